// The page's object of a socket over a host that the test plays: states, events, what is sent, what is owed, one close.

import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Socket } from '../../src/page/socket'
import { BINARY, CLOSE, type PartKind, partHead, TEXT } from '../../src/page/socket-parts'
import { webSocketClass } from '../../src/page/websocket'
import type { FromPage, StreamBody, StreamHeadersFields } from '../../src/protocol/bridge'

// What relative URLs are resolved against.
globalThis.document ??= {} as Document

let posted: FromPage[]
let socket: Socket
let closed: number

const WebSocketOfHost = webSocketClass((plan, events) => {
  const host = { post: (message: FromPage) => posted.push(message), closed: () => void closed++ }
  socket = new Socket(1, plan, host, events)
  socket.start()
  return socket
}) as unknown as typeof WebSocket

beforeEach(() => {
  posted = []
  closed = 0
})

const URL_ = 'wss://api.example.com/live'
const head = (status = 101, protocol?: string): StreamHeadersFields => ({
  type: 'STREAM_HEADERS',
  id: 1,
  url: URL_,
  redirected: false,
  status,
  reason: '',
  headers: protocol === undefined ? [] : [['sec-websocket-protocol', protocol]]
})
const bytes = (text: string) => new TextEncoder().encode(text)
const part = (kind: PartKind, data: Uint8Array) => new Uint8Array([...partHead(kind, data.length), ...data])
const closeData = (code: number, reason = '') => new Uint8Array([code >> 8, code & 0xff, ...bytes(reason)])

let offset = 0
function chunk(...parts: Uint8Array[]): void {
  const data = new Uint8Array(parts.flatMap((each) => [...each]))
  socket.receive({ type: 'STREAM_CHUNK', id: 1, offset, data })
  offset += data.length
}
const skip = () => void offset++
const end = () =>
  socket.receive({ type: 'STREAM_END', id: 1, bytes: offset, completeness: 'close', timings: { total_ms: 1 } })
const grant = (consumed: number, window = 32768) => socket.receive({ type: 'STREAM_BODY_ACK', id: 1, consumed, window })

/** Everything that was sent, as one body. */
const sent = () =>
  new Uint8Array(posted.flatMap((each) => (each.type === 'STREAM_BODY' ? [...(each as StreamBody).data] : [])))

function open(protocol?: string): [WebSocket, string[]] {
  offset = 0
  const page = new WebSocketOfHost(URL_)
  const seen: string[] = []
  page.onopen = () => seen.push('open')
  page.onmessage = ({ data }) => seen.push(`message ${data}`)
  page.onerror = (event) => seen.push(`error ${(event as { error?: { code: string } }).error?.code}`)
  page.onclose = ({ code, reason, wasClean }) => seen.push(`close ${code} ${reason} ${wasClean}`)
  socket.receive(head(101, protocol))
  return [page, seen]
}

test('a socket is asked for with its protocols and headers, and nothing is sent before it is open', () => {
  const page = new WebSocketOfHost('https://api.example.com/live', {
    protocols: ['a', 'b'],
    headers: { 'X-A': '1', 'Sec-WebSocket-Key': 'x', Cookie: 'y' }
  } as never)
  expect(posted).toEqual([
    {
      type: 'STREAM_START',
      id: 1,
      method: 'GET',
      url: URL_,
      headers: [['x-a', '1']],
      body: { kind: 'stream' },
      redirect: 'error',
      timeouts: {},
      protocols: ['a', 'b']
    }
  ])
  expect([page.url, page.readyState, page.protocol, page.extensions, page.binaryType]).toEqual([
    URL_,
    0,
    '',
    '',
    'blob'
  ])
  expect(() => page.send('x')).toThrow(expect.objectContaining({ name: 'InvalidStateError' }))
})

test('messages come in order, as what they are', async () => {
  const [page, seen] = open('chat')
  expect([page.protocol, page.readyState]).toEqual(['chat', 1])
  page.binaryType = 'arraybuffer'
  page.binaryType = 'neither' as never
  const data: unknown[] = []
  page.addEventListener('message', (event) => data.push(event.data, event.origin))
  chunk(part(TEXT, bytes('größer')), part(BINARY, new Uint8Array([1, 2])), part(TEXT, bytes('')))
  await vi.waitFor(() => expect(data).toHaveLength(6))
  const origin = 'wss://api.example.com'
  expect(data).toEqual(['größer', origin, new Uint8Array([1, 2]).buffer, origin, '', origin])
  expect(seen[0]).toBe('open')
})

test('what is sent goes out within credit, in order, and is counted until the server has taken it', () => {
  const [page] = open()
  const buffer = new Uint8Array([1, 2, 3])
  page.send('hello')
  page.send(buffer)
  buffer.fill(9)
  page.send(new Uint8Array(40_000))
  expect(page.bufferedAmount).toBe(40_008)
  expect(sent()).toHaveLength(0)
  grant(0)
  expect(sent()).toHaveLength(32768)
  expect(sent().slice(0, 18)).toEqual(
    new Uint8Array([...part(TEXT, bytes('hello')), ...part(BINARY, new Uint8Array([1, 2, 3]))])
  )
  grant(5 + 2)
  expect(page.bufferedAmount).toBe(40_006)
  grant(10)
  expect(page.bufferedAmount).toBe(40_003)
  grant(18 + 5 + 100)
  expect(page.bufferedAmount).toBe(39_900)
  grant(40_023)
  expect(page.bufferedAmount).toBe(0)
  expect(sent()).toHaveLength(40_023)
})

test('a blob holds up what is sent after it', async () => {
  const [page] = open()
  grant(0)
  page.send(new Blob(['blob']))
  page.send('after')
  expect(page.bufferedAmount).toBe(9)
  await vi.waitFor(() => expect(sent()).toHaveLength(19))
  expect(sent()).toEqual(new Uint8Array([...part(BINARY, bytes('blob')), ...part(TEXT, bytes('after'))]))
})

test('what was taken is acknowledged, and what comes after the page’s close too', async () => {
  const [page] = open()
  const large = part(BINARY, new Uint8Array(20_000))
  chunk(large.slice(0, 10_000))
  expect(posted.at(-1)).toEqual({ type: 'STREAM_ACK', id: 1, consumed: 10_000 })
  grant(0)
  page.close(4000, 'enough')
  await null
  expect(sent()).toEqual(part(CLOSE, closeData(4000, 'enough')))
  chunk(large.slice(10_000), part(TEXT, bytes('dropped')))
  expect(posted.at(-1)).toEqual({ type: 'STREAM_ACK', id: 1, consumed: 20_017 })
  expect(page.readyState).toBe(2)
})

describe('the end', () => {
  test.each([
    [
      'the server closes',
      () => {
        chunk(part(CLOSE, closeData(4711, 'für')))
        end()
      },
      ['close 4711 für true']
    ],
    [
      'without a code',
      () => {
        chunk(part(CLOSE, new Uint8Array()))
        end()
      },
      ['close 1005  true']
    ],
    [
      'behind messages',
      () => {
        chunk(part(TEXT, bytes('last')), part(CLOSE, closeData(1000)))
        end()
      },
      ['message last', 'close 1000  true']
    ],
    ['the connection ends', () => end(), ['close 1006  false']],
    [
      'the host fails it',
      () =>
        socket.receive({
          type: 'STREAM_ERROR',
          id: 1,
          code: 'UPSTREAM_PROTOCOL',
          message: '',
          phase: 'body',
          retryable: false
        }),
      ['error UPSTREAM_PROTOCOL', 'close 1006  false']
    ],
    ['the bridge is lost', () => socket.bridgeLost('gone', null), ['error BRIDGE_LOST', 'close 1006  false']],
    [
      'a close and then a failure',
      () => {
        chunk(part(CLOSE, closeData(1000)))
        socket.bridgeLost('gone', null)
      },
      ['error BRIDGE_LOST', 'close 1006  false']
    ],
    [
      'an end at another place',
      () => {
        skip()
        end()
      },
      ['error PROTOCOL', 'close 1006  false']
    ],
    [
      'bytes at another place',
      () => {
        skip()
        chunk(part(TEXT, bytes('x')))
      },
      ['error PROTOCOL', 'close 1006  false']
    ],
    ['no part', () => chunk(new Uint8Array([7, 0, 0, 0, 0])), ['error PROTOCOL', 'close 1006  false']],
    ['a second head', () => socket.receive(head()), ['error PROTOCOL', 'close 1006  false']]
  ])('%s', async (_, act, events) => {
    const [page, seen] = open()
    act()
    await vi.waitFor(() => expect(seen.at(-1)).toMatch(/^close/))
    expect(seen).toEqual(['open', ...events])
    expect([page.readyState, closed]).toEqual([3, 1])
    end()
    socket.bridgeLost('again', null)
    page.send('late')
    page.close()
    await new Promise((next) => setTimeout(next))
    expect(seen).toHaveLength(events.length + 1)
    expect(page.bufferedAmount).toBe(4)
  })

  test('both close at once: the server’s counts', async () => {
    const [page, seen] = open()
    page.close(4000)
    chunk(part(TEXT, bytes('not seen')), part(CLOSE, closeData(4001, 'first')))
    end()
    await vi.waitFor(() => expect(seen).toEqual(['open', 'close 4001 first true']))
  })

  test('of a socket that is closed before it is open is a failure, after the call', async () => {
    offset = 0
    const page = new WebSocketOfHost(URL_)
    const seen: string[] = []
    page.onerror = () => seen.push('error')
    page.onclose = ({ code, wasClean }) => seen.push(`close ${code} ${wasClean}`)
    page.close()
    expect([page.readyState, seen]).toEqual([2, []])
    await vi.waitFor(() => expect(seen).toEqual(['error', 'close 1006 false']))
    expect(posted.at(-1)).toEqual({ type: 'STREAM_ABORT', id: 1, reason: 'cancel' })
  })

  test('of a handshake that was refused has what the host said', async () => {
    offset = 0
    const page = new WebSocketOfHost(URL_)
    const errors: unknown[] = []
    page.onerror = (event) => errors.push((event as unknown as { error: { code: string; message: string } }).error)
    socket.receive(head(403))
    const said = { code: 'HANDSHAKE_FAILED', message: '403', phase: 'headers', retryable: false } as const
    socket.receive({ type: 'STREAM_ERROR', id: 1, ...said })
    expect(errors).toEqual([expect.objectContaining({ code: 'HANDSHAKE_FAILED', phase: 'headers' })])
    expect(page.readyState).toBe(3)
  })
})

describe('as the standard has it', () => {
  test('the constants are enumerable, on the class and on its objects', () => {
    const names: string[] = []
    for (const name in WebSocketOfHost) names.push(name)
    expect(names).toEqual(['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'])
    expect([WebSocketOfHost.OPEN, new WebSocketOfHost(URL_).CLOSED, WebSocketOfHost.length]).toEqual([1, 3, 1])
    expect(Object.prototype.toString.call(new WebSocketOfHost(URL_))).toBe('[object WebSocket]')
    expect(() => Object.assign(WebSocketOfHost, { OPEN: 7 })).toThrow(TypeError)
  })

  test('an attribute of a handler keeps objects, calls functions with the socket as `this`, and can be changed', () => {
    const [page] = open()
    const seen: unknown[] = []
    const object = { handleEvent: () => seen.push('never') }
    page.onmessage = object as never
    expect(page.onmessage).toBe(object)
    page.onmessage = 5 as never
    expect(page.onmessage).toBe(null)
    page.onmessage = function (this: WebSocket) {
      seen.push(this === page)
    } as never
    chunk(part(TEXT, bytes('x')))
    expect(seen).toEqual([true])
  })

  test.each(['', 'a b', 'a,b', 'ä', 'a"'])('the protocol %j is none', (protocol) => {
    expect(() => new WebSocketOfHost(URL_, protocol)).toThrow(expect.objectContaining({ name: 'SyntaxError' }))
  })

  test.each([['ftp://a/'], ['wss://a/#x'], ['wss://a/#'], ['http://['], ['mailto:x']])('the URL %s is none', (url) => {
    expect(() => new WebSocketOfHost(url)).toThrow(expect.objectContaining({ name: 'SyntaxError' }))
    expect(posted).toEqual([])
  })

  test.each([999, 1001, 2999, 5000, 0, -1, Number.NaN, 70_000])('the code %s may not be given', (code) => {
    const [page] = open()
    expect(() => page.close(code)).toThrow(expect.objectContaining({ name: 'InvalidAccessError' }))
    expect(page.readyState).toBe(1)
  })

  test('a reason of 123 bytes may be given, one more may not', () => {
    const [page] = open()
    expect(() => page.close(1000, 'ä'.repeat(62))).toThrow(expect.objectContaining({ name: 'SyntaxError' }))
    page.close(1000, `${'ä'.repeat(61)}a`)
    expect(page.readyState).toBe(2)
  })

  test('an option that is none is said', () => {
    expect(() => new WebSocketOfHost(URL_, { header: {} } as never)).toThrow(TypeError)
  })
})
