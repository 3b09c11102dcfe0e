// In a world of an extension's own: every address that the page comes to, until `stop` is called.
export default () => {
  const controller = new AbortController()
  globalThis.seen = []
  globalThis.stop = () => controller.abort()
  writer.onNavigation(window, (url) => seen.push(url.pathname + url.search), controller.signal)
}
