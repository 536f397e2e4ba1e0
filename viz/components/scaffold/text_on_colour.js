// Text on a colour.

/** A colour as the ground of an element, and text on it that can be read; none without a colour. */
export function paintGround({ style }, colour) {
  style.backgroundColor = colour ? `rgb(${colour})` : ""
  style.color = colour ? readableOn(colour) : ""
}

/** Black or white, whichever can be read on this colour (WCAG contrast). */
export function readableOn([r, g, b]) {
  const linear = [r, g, b].map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
  const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
  return luminance > 0.179 ? "#000000" : "#ffffff"
}
