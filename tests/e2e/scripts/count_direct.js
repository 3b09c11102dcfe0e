export default () => {
  const counts = globalThis.direct !== undefined
  globalThis.direct = 0
  if (counts) return
  const { postMessage } = MessagePort.prototype
  MessagePort.prototype.postMessage = function (...message) {
    direct += 1
    return postMessage.apply(this, message)
  }
}
