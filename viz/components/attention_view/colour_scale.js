// Which colour a number of a map has.

/**
 * The step of the ramp for a number of a panel: linear from 0 to the most, or with its logarithm over three powers of ten;
 * of a difference from the middle on.
 */
export function rampStep({ isLog, least }, panel, weight) {
  const part = panel.most > 0 ? Math.min(1, Math.max(-1, weight / panel.most)) : 0
  if (panel.isDifference) return Math.round(127.5 + 127.5 * part)
  if (weight < least) return 0
  if (isLog) return Math.round(255 * Math.max(0, 1 + Math.log10(Math.max(part, 1e-9)) / 3))
  return Math.round(255 * part)
}
