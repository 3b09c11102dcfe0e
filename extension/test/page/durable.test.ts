// `longwire: { durable }` and `longwire.durable`, as the relay hears them.

import { beforeEach, expect, test } from 'vitest'
import type { DurableRequest, LongwireInit } from '../../src/page/api'
import { durableRequests } from '../../src/page/durable'
import { patch } from '../../src/page/patch'
import { type Fetch, fetchFunction, Shim } from '../../src/page/shim'
import type { FromPage, StreamStartFields } from '../../src/protocol/bridge'
import { delivered } from '../messaging'

globalThis.document ??= {} as Document

let told: FromPage[]
let relay: MessagePort
let fetch: Fetch
let shim: Shim

beforeEach(() => {
  told = []
  shim = new Shim(() => undefined)
  fetch = fetchFunction((args) => shim.fetch(args))
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = ({ data }) => told.push(data)
  relay = port1
  shim.channel.attach(port2)
})

const starts = () => told.filter((message): message is StreamStartFields => message.type === 'STREAM_START')
const URL_OF_API = 'https://api.example.com/answer'
const asked = (durable: unknown, init: LongwireInit = {}) =>
  fetch(URL_OF_API, { ...init, longwire: { durable } } as LongwireInit)

function answer(status: number, text: string | null): void {
  const id = starts().at(-1)?.id
  const bytes = new TextEncoder().encode(text ?? '')
  const head = { type: 'STREAM_HEADERS', id, url: starts().at(-1)?.url, redirected: false, status, reason: '' }
  relay.postMessage({ ...head, headers: [['content-type', 'application/json']] })
  if (text !== null) relay.postMessage({ type: 'STREAM_CHUNK', id, offset: 0, data: bytes })
  const timings = { total_ms: 1 }
  relay.postMessage({ type: 'STREAM_END', id, bytes: bytes.length, completeness: 'none', timings })
}

test('the key goes along, and an offset where one is named', async () => {
  void asked('answer-42')
  void asked({ key: 'answer 42 – ü', from: 81_920 }, { method: 'POST', body: 'x' })
  void asked({ key: 'a' })
  void fetch(URL_OF_API)
  await delivered()
  expect(starts().map(({ durable }) => durable)).toEqual([
    { key: 'answer-42' },
    { key: 'answer 42 – ü', offset: 81_920 },
    { key: 'a', offset: 0 },
    undefined
  ])
  expect(Object.keys(starts()[3] ?? {})).not.toContain('durable')
})

test.each(['', 'a'.repeat(129), 'a\n', 'a\u{2028}', 'a\u00a0b', '\ud800', '\u200b', 7, null, { from: 3 }, { key: '' }])(
  '%j is no key',
  async (durable) => {
    const text = 'The key of a durable request is not a text of 1 to 128 printable characters'
    await expect(asked(durable)).rejects.toThrow(new TypeError(text))
    expect(told).toEqual([])
  }
)

test.each(['a', 'a'.repeat(128), '\u{1f600}'.repeat(128), '../..', 'a b', ' '])('%j is a key', async (key) => {
  void asked(key)
  await delivered()
  expect(starts()[0]?.durable).toEqual({ key })
})

test.each([-1, 1.5, Infinity, '3'])('%j is no offset', async (from) => {
  await expect(asked({ key: 'a', from })).rejects.toThrow('`longwire.durable.from` is not a number of bytes')
})

test.each([
  ['a stream', () => new ReadableStream()],
  ['an async iterable', () => (async function* () {})()]
])('%s cannot be the body, and the error names what can', async (_, body) => {
  const init = { method: 'POST', body: body(), duplex: 'half' } as LongwireInit
  await expect(asked('a', init)).rejects.toThrow('give text, bytes, a Blob or FormData, no stream')
  expect(told).toEqual([])
})

test('a form can', async () => {
  const body = new FormData()
  body.set('a', 'b')
  void asked('a', { method: 'POST', body })
  await delivered()
  expect(starts()).toMatchObject([{ durable: { key: 'a' }, body: { kind: 'inline' } }])
})

test('a gap says where what is kept begins', async () => {
  const call = asked({ key: 'a', from: 5 })
  await delivered()
  const error = { type: 'STREAM_ERROR', id: starts()[0]?.id, code: 'GAP', message: 'gone', phase: 'policy' }
  relay.postMessage({ ...error, retryable: false, first: 4096 })
  await expect(call).rejects.toMatchObject({ name: 'TypeError', code: 'GAP', first: 4096 })
})

test('another error has no first byte, whatever the page put into prototypes', async () => {
  const call = asked('a')
  await delivered()
  const error = { type: 'STREAM_ERROR', id: starts()[0]?.id, code: 'DURABLE_CONFLICT', message: 'x', phase: 'policy' }
  Object.defineProperty(Object.prototype, 'first', { value: 7, configurable: true })
  try {
    relay.postMessage({ ...error, retryable: false })
    const failure: object = await call.then(Object, Object)
    expect(Object.keys(failure)).not.toContain('first')
  } finally {
    Reflect.deleteProperty(Object.prototype, 'first')
  }
})

test('aborting the signal aborts the stream, which is this reader', async () => {
  const aborter = new AbortController()
  const call = asked('a', { signal: aborter.signal })
  await delivered()
  aborter.abort()
  await expect(call).rejects.toThrow(aborter.signal.reason)
  await delivered()
  expect(told.at(-1)).toMatchObject({ type: 'STREAM_ABORT', reason: 'signal' })
})

test('the list is what the desk says', async () => {
  const listed = durableRequests(fetch).list()
  await delivered()
  expect(starts()).toMatchObject([{ method: 'GET', url: 'longwire:durable', body: { kind: 'none' } }])
  const told: DurableRequest[] = [
    {
      key: 'a',
      method: 'GET',
      url: URL_OF_API,
      state: 'running',
      bytes: 1,
      first: 0,
      started: 0,
      ended: null,
      error: null
    }
  ]
  answer(200, JSON.stringify(told))
  expect(await listed).toEqual(told)
})

test('forget asks for its key and for nothing else', async () => {
  const forgotten = durableRequests(fetch).forget('a/b ?#%ü')
  await delivered()
  expect(starts()).toMatchObject([{ method: 'DELETE', url: 'longwire:durable/a%2Fb%20%3F%23%25%C3%BC' }])
  answer(204, null)
  expect(await forgotten).toBe(undefined)
  await expect(durableRequests(fetch).fetch('http://')).rejects.toThrow(TypeError)
  await expect(durableRequests(fetch).forget('')).rejects.toThrow(TypeError)
})

test('an answer that is none is an error', async () => {
  const listed = durableRequests(fetch).list()
  await delivered()
  answer(405, null)
  await expect(listed).rejects.toMatchObject({ code: 'PROTOCOL', message: 'Longwire answered with 405' })
})

test.each([
  ['https://streams.example.com/v1/stream/answer-42?offset=-1&live=sse', 'answer-42?offset=-1&live=sse'],
  ['/a%20b', 'a%20b'],
  ['longwire:durable/x?offset=7', 'x?offset=7']
])('the last segment of %s is the key', async (url, below) => {
  void durableRequests(fetch).fetch(url, { headers: { accept: 'text/event-stream' } })
  void durableRequests(fetch).fetch(new Request(new URL(url, 'https://app.example.com/'), { method: 'HEAD' }))
  await delivered()
  expect(starts()).toMatchObject([
    { method: 'GET', url: `longwire:durable/${below}`, headers: [['accept', 'text/event-stream']] },
    { method: 'HEAD', url: `longwire:durable/${below}` }
  ])
})

test('what a patched fetch is given with a key never goes to the browser, fallback or not', async () => {
  const sent: unknown[] = []
  const target = { fetch: (...args: unknown[]) => sent.push(args), EventSource: class {}, WebSocket: class {} }
  patch(shim, target.WebSocket as never, target as unknown as typeof globalThis, { fallback: true, eventSource: false })
  await delivered()
  const call = target.fetch(URL_OF_API, { longwire: { durable: 'a' } }) as unknown as Promise<Response>
  call.catch(() => undefined)
  for (let question = 1; question <= 2; question++) {
    const { request } = told.findLast(({ type }) => type === 'STATUS_REQUEST') as { request: number }
    relay.postMessage({ type: 'STATUS', request, state: 'host-missing', destinations: [] })
    await delivered()
    await delivered()
  }
  expect(sent).toEqual([])
  expect(starts()).toMatchObject([{ durable: { key: 'a' }, url: URL_OF_API }])
})
