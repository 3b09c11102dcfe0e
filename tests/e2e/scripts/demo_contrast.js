export default () => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = color
    canvas.fillRect(0, 0, 1, 1)
    return canvas.getImageData(0, 0, 1, 1).data
  }
  const luminance = ([r, g, b]) =>
    [r, g, b]
      .map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0)
  const ground = (node) => {
    const color = rgba(getComputedStyle(node).backgroundColor)
    return color[3] === 255 || !node.parentElement ? color : ground(node.parentElement)
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  let worst = 21
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement
    if (!walker.currentNode.data.trim() || node.closest(':disabled, script')) continue
    const style = getComputedStyle(node)
    const lights = [luminance(rgba(node.closest('svg') ? style.fill : style.color)), luminance(ground(node))]
    worst = Math.min(worst, (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05))
  }
  return worst
}
