// The colours of the theme that is shown; see palette.py.

const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16))

/** The palette of the theme that is shown: the ground's lightness tells which. */
export function themePalette(root, palettes) {
  const ground = getComputedStyle(root).getPropertyValue("--st-background-color").trim()
  const dark = /^#[0-9a-f]{6}/i.test(ground) && channels(ground).reduce((sum, each) => sum + each, 0) < 384
  const palette = dark ? palettes.dark : palettes.light
  for (const name of ["accent", "ground", "ink", "quiet", "hatch"])
    root.style.setProperty(`--headlight-${name}`, palette[name])
  return palette
}

/** 256 colours, [r, g, b] each, along stops that are evenly spaced. */
export function rampColours(colours) {
  const stops = colours.map(channels)
  return Array.from({ length: 256 }, (_, step) => {
    const place = (step / 255) * (stops.length - 1)
    const low = Math.min(Math.floor(place), stops.length - 2)
    return stops[low].map((from, i) => Math.round(from + (stops[low + 1][i] - from) * (place - low)))
  })
}
