// The usual bridge: a page's MessagePort on the one side, a runtime port on the other.
addEventListener('message', ({ data, ports: [port] }) => {
  if (data !== 'worker-port' || port === undefined) return
  const runtime = chrome.runtime.connect()
  port.onmessage = (event) => runtime.postMessage(event.data)
  runtime.onMessage.addListener((message) => {
    if (message.bytes) port.postMessage(message, [message.bytes.buffer])
    else port.postMessage(message)
  })
})
