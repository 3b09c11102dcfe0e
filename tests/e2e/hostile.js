// What a script that runs before the shim can do: it takes the relay's port for itself and says to the worker what it
// likes. Whatever comes back is in `heard`. The test sets `window.upstream`.

const PATIENCE_MS = 5000
const TERMINALS = ['STREAM_END', 'STREAM_ERROR', 'STREAM_ABORTED']
const heard = []
let lastId = 0

addEventListener('longwire:port', (event) => {
  // The relay takes this for the shim's consent.
  event.preventDefault()
  event.stopImmediatePropagation()
  usePort(event.ports[0])
})

// A port that leads to the worker, from now on the one to talk through.
function usePort(port) {
  heard.length = 0
  port.onmessage = ({ data, ports: [direct] }) => {
    if (data.type === 'DIRECT_OPEN') {
      direct.onmessage = port.onmessage
      window.direct = direct
    } else heard.push(data)
  }
  window.relay = port
}

// A request that nothing is wrong with, but for `changes`.
function start(changes) {
  const fields = { method: 'GET', url: `${upstream}echo`, headers: [], redirect: 'follow', timeouts: {} }
  return { type: 'STREAM_START', id: ++lastId, body: { kind: 'none' }, ...fields, ...changes }
}

function without(message, name) {
  delete message[name]
  return message
}

const inline = (size) => ({ kind: 'inline', data: new Uint8Array(size) })
const nested = (depth) => (depth === 0 ? [] : [nested(depth - 1)])

// The first of all messages heard since then, or still to be heard, that is `wanted`.
async function hear(wanted, since = 0) {
  for (let waited = 0; waited < PATIENCE_MS; waited += 2) {
    const found = heard.slice(since).find(wanted)
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error(`nothing of the kind after ${JSON.stringify(heard.slice(since))}`)
}

const terminal = (id) => hear((message) => message.id === id && TERMINALS.includes(message.type))

// A stream that began and goes on; its id.
async function live(changes) {
  const message = start({ url: `${upstream}fault/body-silent`, ...changes })
  relay.postMessage(message)
  await hear(({ id }) => id === message.id)
  return message.id
}

// A live stream whose request body is still to come.
const uploading = (size) =>
  live({
    method: 'POST',
    url: `${upstream}echo`,
    body: size === undefined ? { kind: 'stream' } : { kind: 'stream', size }
  })

// A whole exchange. What was said before it has had its effect after it.
async function exchange() {
  const message = start()
  relay.postMessage(message)
  return (await terminal(message.id)).type
}

// Say `message` and hear what becomes of it: the stream that it speaks of ends, or this page loses its bridge.
function provoke(message) {
  const since = heard.length
  relay.postMessage(message)
  return hear(({ type, id }) => type === 'BRIDGE_LOST' || (id === message?.id && TERMINALS.includes(type)), since)
}

// Say `message`; everything that was heard because of it.
async function echoes(message) {
  const since = heard.length
  relay.postMessage(message)
  await exchange()
  return heard.slice(since).filter(({ id }) => id !== lastId)
}

Object.assign(window, { TERMINALS, heard, start, without, inline, nested, hear, terminal, live, uploading })
Object.assign(window, { exchange, provoke, echoes, usePort })
