export default () => {
  const parse = (color) => color.match(/[\d.]+/g).map(Number)
  const channel = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4)
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b)
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor)
      if (color[3] !== 0) return color
    }
  }
  const seen = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement
    if (!node.data.trim() || !element.checkVisibility()) continue
    const [light, dark] = [luminance(parse(getComputedStyle(element).color)), luminance(ground(element))].sort(
      (a, b) => b - a
    )
    seen.push([(light + 0.05) / (dark + 0.05), node.data.trim()])
  }
  return seen.sort((a, b) => a[0] - b[0])[0]
}
