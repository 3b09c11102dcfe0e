// Compressed chunks: each stream gets its messages plain, and in the order in which they came.

import { deflateSync, gzipSync } from 'node:zlib'
import { expect, test, vi } from 'vitest'
import type { StreamMessage } from '../../src/page/exchange'
import { Unpacker } from '../../src/page/unpacking'
import type { StreamChunk } from '../../src/protocol/bridge'

const TEXT = new TextEncoder().encode('the same words again, '.repeat(1000))
type Encoding = 'gzip' | 'deflate'

function packed(id: number, offset: number, plain = TEXT, encoding: Encoding = 'deflate'): StreamChunk {
  const data = new Uint8Array((encoding === 'gzip' ? gzipSync : deflateSync)(plain))
  return { type: 'STREAM_CHUNK', id, offset, data, encoding, size: plain.length }
}

const chunk = (id: number, offset: number): StreamChunk => ({
  type: 'STREAM_CHUNK',
  id,
  offset,
  data: new Uint8Array([1, 2, 3])
})

const end = (id: number): StreamMessage =>
  ({ type: 'STREAM_END', id, bytes: 1, completeness: 'length', timings: { total_ms: 1 } }) as StreamMessage

function unpacker() {
  const got: StreamMessage[] = []
  return { got, unpacker: new Unpacker((message) => got.push(message)) }
}

test('a compressed chunk comes out as if it had come plain, in both encodings', async () => {
  const { got, unpacker: it } = unpacker()
  it.pass({ ...packed(1, 5), window: 70_000 })
  it.pass(packed(2, 0, TEXT, 'gzip'))
  await vi.waitFor(() => expect(got).toHaveLength(2))
  const [first, second] = got.sort((a, b) => (a as StreamChunk).id - (b as StreamChunk).id)
  expect(first).toEqual({ type: 'STREAM_CHUNK', id: 1, offset: 5, data: TEXT, window: 70_000 })
  expect(second).toEqual({ type: 'STREAM_CHUNK', id: 2, offset: 0, data: TEXT })
})

test('what comes behind one waits for it, in its own stream alone', async () => {
  const { got, unpacker: it } = unpacker()
  it.pass(packed(1, 0))
  it.pass(chunk(1, TEXT.length))
  it.pass(packed(1, TEXT.length + 3, TEXT.slice(0, 10)))
  it.pass(end(1))
  it.pass(end(2))
  expect(got.map(({ id }) => id)).toEqual([2])
  await vi.waitFor(() => expect(got).toHaveLength(5))
  const own = got.filter(({ id }) => id === 1)
  expect(own.map(({ type }) => type)).toEqual(['STREAM_CHUNK', 'STREAM_CHUNK', 'STREAM_CHUNK', 'STREAM_END'])
  expect(own.slice(0, 3).map((each) => (each as StreamChunk).offset)).toEqual([0, TEXT.length, TEXT.length + 3])
  // And nothing is held up afterwards.
  it.pass(chunk(1, 0))
  expect(got).toHaveLength(6)
})

test.each([
  ['more than it says', { ...packed(1, 0), size: TEXT.length - 1 }],
  ['less than it says', { ...packed(1, 0), size: TEXT.length + 1 }],
  ['no compressed bytes', { ...packed(1, 0), data: TEXT.slice(0, 50) }],
  ['cut off', { ...packed(1, 0), data: packed(1, 0).data.slice(0, -6) }],
  ['no size', { ...chunk(1, 0), encoding: 'deflate' as const }]
])('one that is %s is delivered as it came, for the stream to complain of', async (_, bad) => {
  const { got, unpacker: it } = unpacker()
  it.pass(bad as StreamChunk)
  it.pass(end(1))
  await vi.waitFor(() => expect(got).toHaveLength(2))
  expect(got[0]).toHaveProperty('encoding')
  expect(got[1]).toHaveProperty('type', 'STREAM_END')
})

test('a page that gave `then` to every object changes nothing and sees nothing', async () => {
  const { got, unpacker: it } = unpacker()
  const seen: unknown[] = []
  Object.defineProperty(Object.prototype, 'then', {
    configurable: true,
    get(this: unknown) {
      if (this instanceof Uint8Array || (typeof this === 'object' && this !== null && 'value' in this)) seen.push(this)
      return undefined
    }
  })
  try {
    it.pass(packed(1, 0))
    const deadline = performance.now() + 60_000
    while (got.length === 0 && performance.now() < deadline) await new Promise((go) => setImmediate(go))
  } finally {
    // biome-ignore lint/suspicious/noExplicitAny: undone
    delete (Object.prototype as any).then
  }
  expect(got).toHaveLength(1)
  expect((got[0] as StreamChunk).data).toEqual(TEXT)
})
