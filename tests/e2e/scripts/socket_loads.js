// What the tests of sockets under load have pages do.

const load = { bytes: 0, next: 0, wrong: 0, down: 0, up: 0, downloaded: 0, heard: '' }

/** A WebSocketStream of numbered messages. */
async function openNumbered(url) {
  window.stream = new longwire.WebSocketStream(url)
  window.reader = (await stream.opened).readable.getReader()
}

/** Read on until so many bytes have been read in all; a message of another number than the next is counted as wrong. */
async function readNumbered(bytes) {
  while (load.bytes < bytes) {
    const { value } = await reader.read()
    const digits = typeof value === 'string' ? value.slice(0, 12) : new TextDecoder().decode(value.slice(0, 12))
    if (Number(digits) !== load.next) load.wrong++
    load.next++
    load.bytes += value.length ?? value.byteLength
  }
}

/** Sockets one after the other, each open before the next is made. */
async function openSockets(url, count) {
  window.sockets = []
  window.ends = []
  for (let made = 0; made < count; made++) {
    const socket = new longwire.WebSocket(url)
    await new Promise((resolve, reject) => {
      socket.onopen = resolve
      socket.onerror = ({ error }) => reject(error)
    })
    socket.onclose = ({ code, wasClean }) => ends.push(`${code} ${wasClean}`)
    sockets.push(socket)
  }
}

/** What each of them has back of a text of its own, all at once. */
function echoes(name) {
  return Promise.all(
    sockets.map(
      (socket, index) =>
        new Promise((resolve) => {
          socket.onmessage = ({ data }) => resolve(data)
          socket.send(`${name} ${index}`)
        })
    )
  )
}

/** Two sockets as fast as they go, one in each direction. */
async function saturate(endless, sink) {
  const [down, up] = [endless, sink].map((url) => new longwire.WebSocketStream(url))
  const { readable } = await down.opened
  const writer = (await up.opened).writable.getWriter()
  const take = async () => {
    for await (const message of readable) load.down += message.byteLength
  }
  const give = async () => {
    const message = new Uint8Array(64 * 1024)
    for (;;) {
      await writer.write(message)
      load.up += message.length
    }
  }
  for (const running of [take(), give()]) running.catch(() => undefined)
}

async function download(url) {
  const response = await longwire.fetch(url)
  const take = async () => {
    for await (const chunk of response.body) load.downloaded += chunk.length
  }
  take().catch(() => undefined)
}

async function hear(url) {
  const response = await longwire.fetch(url)
  const take = async () => {
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) load.heard += text
  }
  take().catch(() => undefined)
}
