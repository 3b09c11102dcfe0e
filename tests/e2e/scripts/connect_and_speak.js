export default (connect) =>
  new Promise((resolve) => {
    const heard = []
    // biome-ignore lint/security/noGlobalEval: the test says how to connect
    const port = (0, eval)(connect)
    port.onMessage.addListener((message) => heard.push(message.type))
    port.onDisconnect.addListener(() => resolve({ heard, error: chrome.runtime.lastError?.message ?? null }))
    try {
      port.postMessage({ type: 'HELLO', protocol: 1, extension: '1', chunk_encodings: [] })
      port.postMessage({ type: 'STATUS_REQUEST', request: 1 })
      port.postMessage({ type: 'WATCH', tab: 1, origin: 'http://localhost', private: false })
    } catch {}
  })
