// A worker that is called and says nothing.
const mute = { addListener() {} }
chrome.runtime.connect = () => ({ postMessage() {}, onMessage: mute, onDisconnect: mute })
