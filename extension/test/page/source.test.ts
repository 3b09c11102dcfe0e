// Where the bytes of a request body come from.

import { describe, expect, test } from 'vitest'
import { bytesSource, iterableSource, streamSource, type UploadSource } from '../../src/page/source'

const BYTES = Uint8Array.of(1, 2, 3, 4)

async function drain(source: UploadSource): Promise<number[][]> {
  const pieces: number[][] = []
  for (let piece = await source.read(); piece !== null; piece = await source.read()) pieces.push([...piece])
  return pieces
}

const streamOf = (...chunks: unknown[]) =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    }
  })

/** The source of an async generator. */
function iterated(generate: () => AsyncGenerator<unknown>): UploadSource {
  const iterable = { [Symbol.asyncIterator]: generate }
  return iterableSource(iterable, iterable[Symbol.asyncIterator])
}

describe('bytes in memory', () => {
  test('are one piece', async () => {
    expect(await drain(bytesSource(BYTES))).toEqual([[1, 2, 3, 4]])
  })

  test('are gone when nobody wants them', async () => {
    const source = bytesSource(BYTES)
    source.cancel('enough')
    expect(await source.read()).toBeNull()
  })
})

const CHUNKS = [
  ['bytes', BYTES, [1, 2, 3, 4]],
  ['a part of a buffer', BYTES.subarray(1, 3), [2, 3]],
  ['a buffer', BYTES.slice().buffer, [1, 2, 3, 4]],
  ['a view of several bytes an element', new Uint16Array(BYTES.slice().buffer, 2, 1), [3, 4]],
  ['a DataView', new DataView(BYTES.slice().buffer, 1, 2), [2, 3]],
  ['text', 'é', [0xc3, 0xa9]],
  ['nothing', new Uint8Array(), []]
] as const

describe.each([
  ['a stream', (...chunks: unknown[]) => streamSource(streamOf(...chunks))],
  [
    'an async iterable',
    (...chunks: unknown[]) =>
      iterated(async function* () {
        yield* chunks
      })
  ]
])('%s', (_, sourceOf) => {
  test.each(CHUNKS)('may consist of %s', async (_, chunk, expected) => {
    expect(await drain(sourceOf(chunk, 'x'))).toEqual([expected, [120]])
  })

  test.each([1, null, {}, new Blob(['x']), [1]])('may not consist of %o', async (chunk) => {
    await expect(sourceOf(chunk).read()).rejects.toThrow(TypeError)
  })
})

test('a stream that fails rejects with its own error, and one that is cancelled hears why', async () => {
  const error = new RangeError('broke')
  const source = streamSource(
    new ReadableStream({
      pull() {
        throw error
      }
    })
  )
  await expect(source.read()).rejects.toBe(error)
  const reasons: unknown[] = []
  streamSource(new ReadableStream({ cancel: (reason) => void reasons.push(reason) })).cancel('enough')
  await new Promise((resolve) => setTimeout(resolve))
  expect(reasons).toEqual(['enough'])
})

test('a cancel that fails in its turn is nobody’s business', async () => {
  streamSource(
    new ReadableStream({
      cancel() {
        throw new Error('cannot stop')
      }
    })
  ).cancel('enough')
  // An unhandled rejection fails the run.
  await new Promise((resolve) => setTimeout(resolve))
})

test('an async iterable is not begun before it is read, and its clean-up runs when nobody wants the rest', async () => {
  const seen: string[] = []
  const source = iterated(async function* () {
    seen.push('begun')
    try {
      yield 'one'
      seen.push('too far')
    } finally {
      seen.push('cleaned up')
    }
  })
  expect(seen).toEqual([])
  await source.read()
  source.cancel('enough')
  await new Promise((resolve) => setTimeout(resolve))
  expect(seen).toEqual(['begun', 'cleaned up'])
})

test('an async iterable that was never read has nothing to clean up', () => {
  expect(() =>
    iterated(async function* () {
      yield 'one'
    }).cancel('enough')
  ).not.toThrow()
})
