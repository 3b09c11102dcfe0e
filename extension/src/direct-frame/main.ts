// A frame of the extension's own that a relay puts into its page for a moment: it carries one port to the worker, which no
// content script can reach with one. Whoever else loads it gains nothing: the worker knows no token of theirs.

addEventListener(
  'message',
  async ({ data, ports }) => {
    if (typeof data !== 'string' || data.length !== 32 || ports.length !== 1) return
    const { active } = await navigator.serviceWorker.ready
    active?.postMessage(data, [...ports])
  },
  { once: true }
)
