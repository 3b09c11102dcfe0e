// Whether the panel stands on light or on dark ground. Sites say so in a dozen ways, and their ground is what a person sees.

export type Scheme = 'dark' | 'light'

/** Of a computed `background-color` in sRGB, each from 0 to 255 and opacity to 1; null for another notation. */
export function parseColor(color: string): readonly [red: number, green: number, blue: number, alpha: number] | null {
  const parts = /^rgba?\((\d+(?:\.\d+)?), (\d+(?:\.\d+)?), (\d+(?:\.\d+)?)(?:, ([\d.]+))?\)$/.exec(color)
  if (parts === null) return null
  const [red, green, blue] = parts.slice(1, 4).map(Number) as [number, number, number]
  return [red, green, blue, parts[4] === undefined ? 1 : Number(parts[4])]
}

/** Relative luminance, 0 to 1: WCAG 2.2. */
export function luminance(red: number, green: number, blue: number): number {
  const [r, g, b] = [red, green, blue].map((value) => {
    const part = value / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** Where white and black text have the same contrast. */
const MIDDLE = 0.179

/** By the first ground that is not seen through, else as the browser paints an empty page. */
export function schemeAt(element: Element): Scheme {
  for (let at: Element | null = element; at !== null; at = parentOf(at)) {
    const color = parseColor(getComputedStyle(at).backgroundColor)
    if (color === null) break
    const [red, green, blue, alpha] = color
    if (alpha > 0.5) return luminance(red, green, blue) < MIDDLE ? 'dark' : 'light'
  }
  const offered = getComputedStyle(document.documentElement).colorScheme.split(' ')
  const preferred = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
  if (offered.includes(preferred)) return preferred
  return offered.includes('dark') ? 'dark' : 'light'
}

function parentOf(element: Element): Element | null {
  const root = element.getRootNode()
  return element.parentElement ?? (root instanceof ShadowRoot ? root.host : null)
}
