// A guard never throws, believes nothing but own properties, and does not look at the bytes of a chunk.

import { runInNewContext } from 'node:vm'
import { afterEach, expect, test, vi } from 'vitest'
import { isFromHost, isFromPage, isToPage } from '../../src/protocol/guards'

const guards = [isFromHost, isFromPage, isToPage]
const ack = { type: 'STREAM_ACK', id: 1, consumed: 1 }
const start = {
  type: 'STREAM_START',
  id: 1,
  method: 'GET',
  url: 'https://api.example.com/',
  headers: [['a', 'b']],
  body: { kind: 'none' },
  redirect: 'follow',
  timeouts: {}
}
const chunk = (data: unknown) => ({ type: 'STREAM_CHUNK', id: 1, offset: 0, data })

const throwing = () => {
  throw new Error('hostile')
}
const cyclic: Record<string, unknown> = { type: 'STREAM_START' }
cyclic['body'] = cyclic

const hostile: [string, unknown][] = [
  ['undefined', undefined],
  ['a symbol', Symbol('STREAM_ACK')],
  ['a bigint', 1n],
  ['a function', Object.assign(() => ack, ack)],
  ['a list with the fields', Object.assign([], ack)],
  ['a map', new Map(Object.entries(ack))],
  ['a date', new Date(0)],
  ['an error', new Error('STREAM_ACK')],
  ['bytes', new Uint8Array(8)],
  ['a cycle', cyclic],
  ['a throwing getter', Object.defineProperty({ ...ack }, 'consumed', { get: throwing, enumerable: true })],
  ['a throwing type', Object.defineProperty({}, 'type', { get: throwing, enumerable: true })],
  ['a proxy that throws', new Proxy(ack, { ownKeys: throwing, get: throwing, has: throwing })],
  ['a revoked proxy', revoked()],
  ['inherited fields', Object.create(ack)],
  ['an inherited type', Object.assign(Object.create({ type: 'STREAM_ACK' }), { id: 1, consumed: 1 })],
  ['a hidden extra field', Object.defineProperty({ ...ack }, 'extra', { value: 1, enumerable: false })],
  ['an extra symbol', { ...ack, [Symbol('extra')]: 1 }],
  ['a boxed number', { ...ack, id: new Number(1) }],
  ['a boxed string', { ...ack, type: new String('STREAM_ACK') }],
  ['a bigint id', { ...ack, id: 1n }],
  ['an undefined extra field', { ...ack, extra: undefined }],
  ['an undefined optional field', { ...start, timeouts: { idle_ms: undefined } }],
  ['a sparse list of headers', { ...start, headers: new Array(3) }],
  ['a list of headers with a property', { ...start, headers: Object.assign([['a', 'b']], { extra: 1 }) }],
  ['a hole hidden by a property', { ...start, headers: Object.assign(new Array(1), { extra: 1 }) }],
  ['a list of headers of huge length', { ...start, headers: new Array(2 ** 32 - 1) }],
  ['a pair with a hole', { ...start, headers: [Object.assign(new Array(2), { 0: 'a' })] }]
]

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

test.each(hostile)('refused without throwing: %s', (_name, value) => {
  for (const guard of guards) expect(guard(value)).toBe(false)
})

test.each([
  ['an ArrayBuffer', new ArrayBuffer(2)],
  ['a DataView', new DataView(new ArrayBuffer(2))],
  ['clamped bytes', new Uint8ClampedArray(2)],
  ['signed bytes', new Int8Array(2)],
  ['words', new Uint16Array(2)],
  ['bytes in shared memory', new Uint8Array(new SharedArrayBuffer(2))],
  ['what only says that it is bytes', { [Symbol.toStringTag]: 'Uint8Array', byteLength: 2, length: 2 }],
  ['a child of bytes', Object.create(new Uint8Array(2))],
  ['null', null]
])('not bytes: %s', (_name, data) => {
  expect(isToPage(chunk(data))).toBe(false)
})

test('bytes of another realm are bytes', () => {
  expect(isToPage(chunk(runInNewContext('new Uint8Array(3)')))).toBe(true)
})

test('a claimed byteLength is not believed', () => {
  const large = Object.defineProperty(new Uint8Array(262_145), 'byteLength', { value: 1 })
  expect(isToPage(chunk(large))).toBe(false)
})

test('a view counts by its own length', () => {
  expect(isToPage(chunk(new Uint8Array(new ArrayBuffer(1_000_000), 5, 10)))).toBe(true)
})

test('messages of a null prototype are messages', () => {
  expect(isFromPage(Object.assign(Object.create(null), ack))).toBe(true)
})

const polluted = Object.prototype as unknown as Record<string, unknown>
afterEach(() => {
  for (const name of ['consumed', 'window', 'STREAM_FOO', 'extra']) delete polluted[name]
})

test('a polluted prototype adds no field, no type and no known name', () => {
  polluted['consumed'] = 1
  polluted['window'] = 'wide'
  polluted['STREAM_FOO'] = () => true
  polluted['extra'] = () => true
  expect(isFromPage({ type: 'STREAM_ACK', id: 1 })).toBe(false)
  expect(isFromPage({ type: 'STREAM_FOO' })).toBe(false)
  expect(isFromPage({ ...ack, extra: 1 })).toBe(false)
  expect(isToPage(chunk(new Uint8Array(1)))).toBe(true)
})

test('built-ins replaced later are not used', () => {
  const saved = { isSafeInteger: Number.isSafeInteger, isArray: Array.isArray, hasOwn: Object.hasOwn }
  const { ownKeys } = Reflect
  try {
    Number.isSafeInteger = () => true
    Object.hasOwn = () => true
    Reflect.ownKeys = () => []
    Array.isArray = (() => true) as unknown as typeof Array.isArray
    expect([isFromPage({ ...ack, id: 0.5 }), isFromPage(ack), isFromPage({ ...ack, extra: 1 })]).toEqual([
      false,
      true,
      false
    ])
  } finally {
    Number.isSafeInteger = saved.isSafeInteger
    Array.isArray = saved.isArray
    Object.hasOwn = saved.hasOwn
    Reflect.ownKeys = ownKeys
  }
})

test('of the text of a chunk only the padding is read, whatever its size', async () => {
  const message = { type: 'STREAM_CHUNK', id: 1, offset: 0, data: 'A'.repeat(349_524) }
  const { charCodeAt, isWellFormed } = String.prototype
  const read: number[] = []
  String.prototype.charCodeAt = function (index) {
    read.push(index)
    return charCodeAt.call(this, index)
  }
  String.prototype.isWellFormed = throwing
  try {
    // A fresh copy, because the guards capture their built-ins when they load.
    vi.resetModules()
    const fresh = await import('../../src/protocol/guards')
    read.length = 0
    expect(fresh.isFromHost(message)).toBe(true)
    expect(read).toEqual([349_523, 349_522])
  } finally {
    Object.assign(String.prototype, { charCodeAt, isWellFormed })
  }
})
