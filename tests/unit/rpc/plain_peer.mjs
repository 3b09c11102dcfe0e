// A peer that knows the plain protocol of docs/rpc.md and no more, over `ws`; it shares no code with the library. What it is
// sent must be a plain message to the letter. plain_peer.py is the same over `websockets`. `server` writes its port first,
// `client URL` what it saw of application.mjs, or of application.py.

import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'

const [, , packages, what, url] = process.argv
const { WebSocket, WebSocketServer } = createRequire(packages)('ws')

// The members of each message. What may be there besides: a hello, of which it knows nothing, and `notify`, likewise.
const SHAPES = {
  StreamData: 'payload,streamId,type',
  StreamEnd: 'streamId,type',
  StreamError: 'error,streamId,type',
  request: 'category,data,requestId',
  response: 'category,data,requestId',
  error: 'category,details,error',
  ping: 'category,timestamp',
  pong: 'category,timestamp'
}

class PlainPeer {
  told = []
  violations = []
  items = new Map()
  waiting = new Map() // for an answer, a pong, the end of a stream

  constructor(socket) {
    this.socket = socket
    socket.on('message', (data, binary) => this.take(binary ? { type: 'binary' } : JSON.parse(String(data)), data))
  }

  take(message, text) {
    const kind = message.type ?? message.category
    delete message[{ ping: 'longwire', request: 'notify' }[kind]]
    if (SHAPES[kind] !== Object.keys(message).sort().join()) this.violations.push(String(text).slice(0, 200))
    else if (kind === 'StreamData') this.items.get(this.itemsOf(message.streamId)).push(message.payload)
    else if (kind === 'request') this.answer(message.requestId, message.data)
    else if (kind === 'ping') this.send({ category: 'pong', timestamp: message.timestamp })
    else if (kind === 'error') this.waits(message.details.requestId).resolve(message)
    else this.waits(message.streamId ?? message.requestId ?? message.timestamp).resolve(message)
  }

  itemsOf(name) {
    if (!this.items.has(name)) this.items.set(name, [])
    return name
  }

  send(message) {
    this.socket.send(JSON.stringify(message))
  }

  waits(name) {
    const key = String(name)
    if (!this.waiting.has(key)) {
      const waits = {}
      waits.promise = new Promise((resolve) => Object.assign(waits, { resolve }))
      this.waiting.set(key, waits)
    }
    return this.waiting.get(key)
  }

  request(data) {
    const requestId = randomUUID()
    this.send({ category: 'request', requestId, data })
    return this.waits(requestId).promise
  }

  async ping() {
    this.send({ category: 'ping', timestamp: 12345 })
    return (await this.waits(12345).promise).timestamp
  }

  /** All of a stream, and what its sender said went wrong. */
  async received(name) {
    const { error = null } = await this.waits(name).promise
    return [this.items.get(this.itemsOf(name)), error]
  }

  stream(name, items) {
    try {
      for (const payload of items) this.send({ type: 'StreamData', streamId: name, payload })
      this.send({ type: 'StreamEnd', streamId: name })
    } catch (error) {
      this.send({ type: 'StreamError', streamId: name, error: error.message })
    }
    return name
  }

  async answer(requestId, data) {
    if (data.do === 'tell') this.told.push(data.text)
    else if (data.do === 'deny') this.send({ category: 'error', error: 'Not you', details: { requestId } })
    else if (data.do !== 'silence') this.send({ category: 'response', requestId, data: await this.result(data) })
  }

  async result(data) {
    if (data.do === 'count') return this.stream(data.id, numbers(data.to))
    if (data.do === 'fail') return this.stream(data.id, failing())
    if (data.do === 'received') return await this.received(data.id)
    if (data.do === 'ask') return (await this.request({ q: 20 })).data
    if (data.do === 'ping') return await this.ping()
    return { told: this.told, violations: this.violations }
  }
}

function* numbers(to) {
  for (let number = 0; number < to; number++) yield number
}

function* failing() {
  yield 1
  throw new Error('it broke')
}

if (what === 'server') {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
    process.stdout.write(`${server.address().port}\n`)
  })
  server.on('connection', (socket) => new PlainPeer(socket))
} else {
  const socket = new WebSocket(url)
  const peer = new PlainPeer(socket)
  await new Promise((resolve) => socket.once('open', resolve))
  const counted = await peer.request({ do: 'count', to: 1000, id: 'count' })
  const [items, error] = await peer.received('count')
  await peer.request({ do: 'fail', id: 'fail' })
  const failed = await peer.received('fail')
  const denied = await peer.request({ do: 'deny' })
  peer.stream('sum', numbers(1000))
  const summed = await peer.request({ do: 'sum', id: 'sum' })
  const results = {
    counted: [counted.data, items.reduce((sum, item) => sum + item, 0), error],
    failed,
    denied: denied.error,
    sum: summed.data,
    ping: await peer.ping(),
    violations: peer.violations
  }
  process.stdout.write(`${JSON.stringify(results)}\n`)
  socket.close()
}
