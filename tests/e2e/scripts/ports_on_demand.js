addEventListener('message', ({ data, ports: [end] }) => {
  const port = chrome.runtime.connect({ name: data.portName })
  port.onMessage.addListener((message) => end.postMessage(message))
  port.onDisconnect.addListener(() => end.postMessage({ type: 'BRIDGE_LOST' }))
  end.onmessage = ({ data }) => port.postMessage(data)
})
