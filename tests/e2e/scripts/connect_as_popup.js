export default (tab) =>
  new Promise((resolve) => {
    const port = chrome.runtime.connect({ name: 'longwire-popup' })
    port.onMessage.addListener((message) => resolve(`heard ${JSON.stringify(message)}`))
    port.onDisconnect.addListener(() => resolve('disconnected'))
    port.postMessage({ type: 'WATCH', tab, origin: 'https://chat.example.com', private: false })
    port.postMessage({ type: 'STOP', stream: 1 })
  })
