// A socket as two streams over a host that the test plays: what is not read is not acknowledged, and a writer waits.

import { beforeEach, expect, test } from 'vitest'
import { Socket, type SocketPlan } from '../../src/page/socket'
import { CLOSE, type PartKind, partHead, TEXT } from '../../src/page/socket-parts'
import { webSocketStreamClass } from '../../src/page/websocket-stream'
import type { FromPage } from '../../src/protocol/bridge'

// What relative URLs are resolved against.
globalThis.document ??= {} as Document

let posted: FromPage[]
let socket: Socket
let plans: SocketPlan[]
let offset: number

const WebSocketStreamOfHost = webSocketStreamClass((plan, events) => {
  plans.push(plan)
  const host = { post: (message: FromPage) => void posted.push(message), closed: () => undefined }
  socket = new Socket(1, plan, host, events)
  socket.start()
  return socket
})

beforeEach(() => {
  posted = []
  plans = []
  offset = 0
})

const part = (kind: PartKind, data: Uint8Array) => new Uint8Array([...partHead(kind, data.length), ...data])
const acknowledged = () => posted.flatMap((each) => (each.type === 'STREAM_ACK' ? [each.consumed] : []))

function head(status = 101): void {
  const fields = { url: 'wss://a.example/', redirected: false, reason: '', headers: [] }
  socket.receive({ type: 'STREAM_HEADERS', id: 1, status, ...fields })
}

function chunk(...parts: Uint8Array[]): void {
  const data = new Uint8Array(parts.flatMap((each) => [...each]))
  socket.receive({ type: 'STREAM_CHUNK', id: 1, offset, data })
  offset += data.length
}

function end(): void {
  socket.receive({ type: 'STREAM_END', id: 1, bytes: offset, completeness: 'close', timings: { total_ms: 1 } })
}

test('what is not read is not acknowledged, however many messages have come', async () => {
  const stream = new WebSocketStreamOfHost('wss://a.example/')
  head()
  const reader = (await stream.opened).readable.getReader()
  chunk(part(TEXT, new Uint8Array(10_000).fill(97)), part(TEXT, new Uint8Array(10_000).fill(98)))
  await new Promise((next) => setTimeout(next))
  expect(acknowledged()).toEqual([])
  expect((await reader.read()).value).toBe('a'.repeat(10_000))
  expect(acknowledged()).toEqual([10_005])
  expect((await reader.read()).value).toBe('b'.repeat(10_000))
})

test('a close behind messages that nobody reads waits for them, and one alone does not', async () => {
  const stream = new WebSocketStreamOfHost('wss://a.example/')
  head()
  const reader = (await stream.opened).readable.getReader()
  chunk(part(TEXT, new Uint8Array()))
  chunk(part(CLOSE, new Uint8Array([3, 232, 98, 121, 101])))
  end()
  let over = false
  void stream.closed.then(() => {
    over = true
  })
  await new Promise((next) => setTimeout(next))
  expect(over).toBe(false)
  expect((await reader.read()).value).toBe('')
  expect(await stream.closed).toEqual({ closeCode: 1000, reason: 'bye' })
  expect((await reader.read()).done).toBe(true)

  const quiet = new WebSocketStreamOfHost('wss://a.example/')
  offset = 0
  head()
  chunk(part(CLOSE, new Uint8Array()))
  end()
  expect(await quiet.closed).toEqual({ closeCode: 1005, reason: '' })
})

test('a writer waits while the server takes nothing', async () => {
  const stream = new WebSocketStreamOfHost('wss://a.example/')
  head()
  const writer = (await stream.opened).writable.getWriter()
  await writer.write('at once')
  let written = false
  void writer.write(new Uint8Array(300_000)).then(() => {
    written = true
  })
  await new Promise((next) => setTimeout(next))
  expect(written).toBe(false)
  socket.receive({ type: 'STREAM_BODY_ACK', id: 1, consumed: 100_000, window: 262_144 })
  await new Promise((next) => setTimeout(next))
  expect(written).toBe(true)
})

test('an end without a close fails both streams, and what is written then', async () => {
  const stream = new WebSocketStreamOfHost('wss://a.example/')
  head()
  const { readable, writable } = await stream.opened
  end()
  const failure = { code: 'UPSTREAM_RESET', closeCode: 1006, reason: '' }
  await expect(stream.closed).rejects.toMatchObject(failure)
  await expect(readable.getReader().read()).rejects.toMatchObject(failure)
  await expect(writable.getWriter().write('x')).rejects.toMatchObject(failure)
})

test('a reader that cancels closes, with the code that its reason has', async () => {
  const stream = new WebSocketStreamOfHost('wss://a.example/')
  head()
  socket.receive({ type: 'STREAM_BODY_ACK', id: 1, consumed: 0, window: 1000 })
  const { readable } = await stream.opened
  await readable.cancel({ closeCode: 4001, reason: 'why' })
  await null
  const sent = posted.flatMap((each) => (each.type === 'STREAM_BODY' ? [...each.data] : []))
  expect(sent).toEqual([...part(CLOSE, new Uint8Array([15, 161, 119, 104, 121]))])
})

test('a signal that has fired asks for nothing', async () => {
  const stream = new WebSocketStreamOfHost('wss://a.example/', { signal: AbortSignal.abort('mine') })
  await expect(stream.opened).rejects.toBe('mine')
  await expect(stream.closed).rejects.toBe('mine')
  expect(plans).toEqual([])
})

test.each([[{ protocol: 'x' }], [{ signal: {} }], [5]])('the options %j are none', (options) => {
  expect(() => new WebSocketStreamOfHost('wss://a.example/', options)).toThrow(TypeError)
})
