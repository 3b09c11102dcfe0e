// A page that breaks what it can, and then uses a socket. It mends it again, for who drives it.
export default async (url) => {
  const bad = () => {
    throw new Error('of the page')
  }
  const OwnPromise = Promise
  const undo = []
  const replace = (target, name, value) => {
    const before = Object.getOwnPropertyDescriptor(target, name)
    Object.defineProperty(target, name, { configurable: true, ...value })
    undo.push(() => (before === undefined ? delete target[name] : Object.defineProperty(target, name, before)))
  }
  const globals =
    'MessageEvent CloseEvent Event DOMException Blob TextDecoder TextEncoder Promise MessageChannel URL Headers'
  for (const name of globals.split(' ')) replace(window, name, { value: bad })
  replace(EventTarget.prototype, 'dispatchEvent', { value: bad })
  replace(MessagePort.prototype, 'postMessage', { value: bad })
  replace(OwnPromise.prototype, 'then', { value: bad })
  for (const name of ['protocols', 'headers', 'data', 'code', 'wasClean', 'kind', 'error']) {
    replace(Object.prototype, name, { get: bad, set: bad })
  }
  // Last: what stands above iterates.
  replace(Array.prototype, Symbol.iterator, { value: bad })
  const seen = []
  const add = (text) => {
    seen[seen.length] = text
  }
  const socket = new longwire.WebSocket(url)
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => {
    add('open')
    socket.send('a text')
    socket.send(new Uint8Array(3))
  }
  socket.onmessage = ({ data }) => {
    add(typeof data === 'string' ? data : 'some bytes')
    if (typeof data !== 'string') socket.close(4000, 'bye')
  }
  const closed = new OwnPromise((resolve) => {
    socket.onclose = ({ code, reason, wasClean }) => {
      for (let i = undo.length - 1; i >= 0; i--) undo[i]()
      add(`close ${code} ${reason} ${wasClean}`)
      resolve()
    }
  })
  // Before any of the page's own promises is waited for: `await` needs no `then` of a real one.
  await closed
  return seen
}
