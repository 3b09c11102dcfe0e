// Over real sockets: `ws` on both sides, and what happens when a connection is lost.

import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { type AcceptOptions, accept, Resumables } from '../../src/rpc/accepting'
import { type ConnectOptions, connect } from '../../src/rpc/connecting'
import type { RpcError } from '../../src/rpc/errors'
import type { Peer } from '../../src/rpc/peer'
import { all, source } from './pair'

const open: { close: () => void }[] = []
afterEach(() => {
  for (const each of open.splice(0)) each.close()
})

interface Running {
  readonly url: string
  readonly sockets: WebSocket[]
  readonly peers: Peer[]
}

async function server(options: AcceptOptions | (() => AcceptOptions) = {}): Promise<Running> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  const sockets: WebSocket[] = []
  const peers: Peer[] = []
  server.on('connection', async (socket) => {
    sockets.push(socket)
    // It fails where the socket closes before its first word.
    const peer = await accept(socket, typeof options === 'function' ? options() : options).catch(() => null)
    if (peer !== null && !peers.includes(peer)) peers.push(peer)
  })
  await new Promise((resolve) => server.once('listening', resolve))
  open.push(server)
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets, peers }
}

function client(url: string, options: ConnectOptions = {}): Peer {
  const peer = connect(url, { WebSocket, retry: { delay: 1 }, ...options })
  open.push(peer)
  return peer
}

async function* slowly(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) {
    if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    yield i
  }
}

const failing = (promise: Promise<unknown>): Promise<RpcError> =>
  promise.then(
    () => Promise.reject(new Error('nothing failed')),
    (error: RpcError) => error
  )

test('streams in both directions go on over the next connection, every item once', async () => {
  const reconnected = vi.fn()
  const { url, sockets, peers } = await server({ resumables: new Resumables() })
  const peer = client(url, { onReconnect: reconnected })
  await peer.opened
  await vi.waitFor(() => expect(peers).toHaveLength(1))
  const there = (peers[0] as Peer).receiveStream('up', { window: 20_000 })[1]
  const here = peer.receiveStream('down', { window: 20_000 })[1]
  const up = peer.sendStream(slowly(3000), 'up')
  const down = (peers[0] as Peer).sendStream(slowly(3000), 'down')
  const cutting = setInterval(() => sockets.at(-1)?.terminate(), 40)
  const [one, other] = await Promise.all([all(there), all(here)])
  clearInterval(cutting)
  expect(one).toEqual([...Array(3000).keys()])
  expect(other).toEqual(one)
  expect([await up, await down]).toEqual(['up', 'down'])
  expect(sockets.length).toBeGreaterThan(1)
  expect(reconnected).toHaveBeenCalledWith(true)
  expect(peers).toHaveLength(1)
})

test('where the server keeps nothing, streams end with a reason and the peer goes on', async () => {
  const { url, sockets, peers } = await server()
  const peer = client(url)
  await peer.opened
  const endless = source()
  const sent = failing(peer.sendStream(endless.items, 'up'))
  const stream = peer.receiveStream('down')[1]
  const asked = failing(peer.request(1))
  await vi.waitFor(() => expect(peers).toHaveLength(1))
  ;(peers[0] as Peer).match(() => new Promise(() => undefined))
  sockets[0]?.terminate()
  expect((await sent).code).toBe('CONNECTION_CLOSED')
  expect((await failing(all(stream))).code).toBe('CONNECTION_CLOSED')
  expect((await asked).code).toBe('CONNECTION_CLOSED')
  await vi.waitFor(() => expect(peers).toHaveLength(2))
  ;(peers[1] as Peer).match((data) => data)
  expect(await peer.request('again')).toBe('again')
})

test('who is somebody else does not get the streams of the first', async () => {
  let owner = 'alice'
  const { url, sockets, peers } = await server(() => ({ resumables, owner }))
  const resumables = new Resumables()
  const peer = client(url)
  await peer.opened
  const stream = peer.receiveStream('down')[1]
  await vi.waitFor(() => expect(peers).toHaveLength(1))
  owner = 'mallory'
  sockets[0]?.terminate()
  expect(await failing(all(stream))).toMatchObject({ code: 'RESUME_FAILED', phase: 'resuming', retryable: true })
  expect(peers).toHaveLength(2)
})

test('a server keeps nothing of a client that left in order, nor longer than it says', async () => {
  const resumables = new Resumables()
  const { url, sockets, peers } = await server({ resumables, resumeTimeout: 30 })
  const one = client(url)
  await one.opened
  await vi.waitFor(() => expect(resumables.size).toBe(1))
  one.close()
  await vi.waitFor(() => expect(resumables.size).toBe(0))
  const other = client(url)
  await other.opened
  await vi.waitFor(() => expect(resumables.size).toBe(1))
  const endless = source()
  const sent = failing((peers[1] as Peer).sendStream(endless.items, 'down'))
  other.onClosed = () => false
  sockets[1]?.terminate()
  expect(await sent).toMatchObject({ code: 'CONNECTION_CLOSED', phase: 'resuming' })
  await vi.waitFor(() => expect(resumables.size).toBe(0))
  await vi.waitFor(() => expect(endless.state.returned).toBe(true))
})

test.each([
  [1000, false],
  [1001, true],
  [1008, false],
  [1011, true],
  [4000, false]
])('a server that closes with %i is called again: %s', async (code, again) => {
  const { url, sockets } = await server()
  const peer = client(url)
  await peer.opened
  sockets[0]?.close(code)
  if (again) await vi.waitFor(() => expect(sockets).toHaveLength(2))
  else expect(await peer.closed).toEqual({ code, reason: '' })
})

test('no connection is a typed failure, after its retries', async () => {
  let attempts = 0
  class Counted extends WebSocket {
    constructor(url: string) {
      super(url)
      attempts++
    }
  }
  const peer = connect('ws://127.0.0.1:1', { WebSocket: Counted, retry: { retries: 2, delay: 1 } })
  const failed = await failing(peer.opened)
  expect(failed).toMatchObject({ code: 'CONNECTION_FAILED', phase: 'connecting', closeCode: 1006 })
  expect((failed as Error).cause).toMatchObject({ message: expect.stringMatching(/ECONNREFUSED/) })
  expect(attempts).toBe(3)
  expect(() => connect('ws://127.0.0.1:1', { WebSocket, retry: { tries: 1 } as object })).toThrow(TypeError)
})

test('an iterator waits for a server that does not read, without a timer that asks', async () => {
  // A plain server, which does not read: what is not taken is counted by the socket alone.
  const silent = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  open.push(silent)
  const paused = new Promise<WebSocket>((resolve) =>
    silent.on('connection', (socket) => {
      socket.send('{"category":"pong","timestamp":0}')
      socket.pause()
      resolve(socket)
    })
  )
  await new Promise((resolve) => silent.once('listening', resolve))
  // Were it asked, it would be after hours.
  const peer = client(`ws://127.0.0.1:${(silent.address() as AddressInfo).port}`, {
    backpressureDelay: 1e7,
    retry: false
  })
  await peer.opened
  let given = 0
  const text = 'x'.repeat(100_000)
  async function* large(): AsyncGenerator<string> {
    for (; given < 500; given++) yield text
  }
  const sent = peer.sendStream(large(), 'up')
  const socket = await paused
  let seen = -1
  await vi.waitFor(
    () => {
      const before = seen
      seen = given
      expect(seen).toBe(before)
      expect(seen).toBeGreaterThan(10)
    },
    { interval: 200, timeout: 30_000 }
  )
  expect(given).toBeLessThan(300)
  socket.resume()
  expect(await sent).toBe('up')
})

test('a socket that closes before its first word fails, typed', async () => {
  const accepted: Promise<unknown>[] = []
  const listening = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  open.push(listening)
  listening.on('connection', (socket) => accepted.push(failing(accept(socket))))
  await new Promise((resolve) => listening.once('listening', resolve))
  const socket = new WebSocket(`ws://127.0.0.1:${(listening.address() as AddressInfo).port}`)
  socket.once('open', () => socket.close(4001, 'no'))
  await vi.waitFor(() => expect(accepted).toHaveLength(1))
  expect(await accepted[0]).toMatchObject({ code: 'CONNECTION_FAILED', closeCode: 4001, closeReason: 'no' })
})
