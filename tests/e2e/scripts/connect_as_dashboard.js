export default () =>
  new Promise((resolve) => {
    const port = chrome.runtime.connect({ name: 'longwire-dashboard' })
    port.onMessage.addListener((message) => resolve(`heard ${JSON.stringify(message)}`))
    port.onDisconnect.addListener(() => resolve('disconnected'))
    port.postMessage({ type: 'WATCH' })
  })
