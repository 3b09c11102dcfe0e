export default () => {
  window.seen = { added: [], roots: [], frames: 0, messages: 0 }
  window.before = document.documentElement.outerHTML
  addEventListener('message', () => (seen.messages += 1), true)
  new MutationObserver((records) => {
    for (const { addedNodes, removedNodes } of records) {
      for (const node of addedNodes) {
        seen.added.push(node.outerHTML)
        seen.roots.push(node.shadowRoot)
        seen.frames += window.length + document.querySelectorAll('iframe').length
      }
      if (removedNodes.length > 0) window.gone = true
    }
  }).observe(document, { childList: true, subtree: true })
}
