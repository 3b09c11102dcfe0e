// What tests of sockets have a page do. A socket that is held tells its story in `told`.

const told = { events: [], messages: 0, bytes: 0 }

function holdSocket(url, protocols) {
  const socket = new longwire.WebSocket(url, protocols)
  socket.binaryType = 'arraybuffer'
  const tell = (event) => {
    if (event.type === 'message') {
      told.messages += 1
      told.bytes += event.data.length ?? event.data.byteLength
      told.last = event.data
    } else told.events.push([event.type, event.code, event.wasClean, event.error?.code])
  }
  for (const type of ['open', 'message', 'error', 'close']) socket.addEventListener(type, tell)
  window.socket = socket
}

/** Messages of a WebSocketStream back and forth, and how both its promises end. */
async function streamTalk(url, options, sent) {
  const stream = new longwire.WebSocketStream(url, options)
  const { readable, writable, protocol, extensions } = await stream.opened
  const reader = readable.getReader()
  const writer = writable.getWriter()
  const got = []
  for (const each of sent) {
    await writer.write(each)
    const { value } = await reader.read()
    got.push(typeof value === 'string' ? value : `bytes ${value.byteLength}`)
  }
  stream.close({ closeCode: 4002, reason: 'done' })
  const last = await reader.read()
  return { url: stream.url, protocol, extensions, got, done: last.done, closed: await stream.closed }
}

async function streamFailure(url, options) {
  const stream = new longwire.WebSocketStream(url, options)
  const tell = (promise) =>
    promise.then(
      () => 'fulfilled',
      (error) => [error?.name ?? error, error?.code, error?.closeCode]
    )
  return [await tell(stream.opened), await tell(stream.closed)]
}
