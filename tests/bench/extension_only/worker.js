importScripts('carry.js')

chrome.runtime.onConnect.addListener((port) => {
  port.onMessage.addListener(serve(port, false))
})

// Two at once must not make two documents.
let offscreen

function offscreenDocument() {
  offscreen ??= chrome.offscreen
    .createDocument({ url: 'offscreen.html', reasons: ['DOM_PARSER'], justification: 'fetches for pages' })
    .then(async () => {
      const found = await clients.matchAll({ includeUncontrolled: true })
      return found.find((client) => client.url.endsWith('/offscreen.html'))
    })
  return offscreen
}

// A lane, brought by the frame: for this worker, or for the offscreen document.
addEventListener('message', async ({ data, ports: [port] }) => {
  if (data === 'offscreen') {
    const client = await offscreenDocument()
    client.postMessage('lane', [port])
    return
  }
  const take = serve(port, true)
  port.onmessage = (event) => take(event.data)
})
