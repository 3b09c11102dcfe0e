// A response body on the page's side: what a reader gets, what it acknowledges, and how it ends.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { Body, type BodyEvents } from '../../src/page/body'
import { ACK_WINDOW_DIVISOR, WINDOW_FLOOR_BYTES, WINDOW_MAX_BYTES } from '../../src/protocol/constants'

const BATCH = WINDOW_FLOOR_BYTES / ACK_WINDOW_DIVISOR

let acknowledged: number[]
let cancelled: unknown[]
let finished: number
let body: Body
let reader: ReadableStreamDefaultReader<Uint8Array>

const events: BodyEvents = {
  consumed: (offset) => acknowledged.push(offset),
  cancelled: (reason) => cancelled.push(reason),
  // V8 collects the streams of tests that are over whenever it likes.
  collected: () => undefined,
  finished: () => {
    finished += 1
  }
}

beforeEach(() => {
  acknowledged = []
  cancelled = []
  finished = 0
  body = new Body(events)
  reader = body.open().getReader()
})

const bytes = (size: number, value = 0) => new Uint8Array(size).fill(value)
const text = (given: string) => new TextEncoder().encode(given)

async function read(): Promise<string> {
  const { done, value } = await reader.read()
  return done ? 'end' : new TextDecoder().decode(value)
}

/** Whether a promise waits. */
async function waits(promise: Promise<unknown>): Promise<boolean> {
  const nobody = {}
  return (await Promise.race([promise, new Promise((resolve) => setTimeout(resolve, 0, nobody))])) === nobody
}

describe('bytes', () => {
  test('come out in their order, one chunk a read', async () => {
    body.push(text('one'))
    body.push(text('two'))
    expect([await read(), await read()]).toEqual(['one', 'two'])
  })

  test('go to a reader that waits for them', async () => {
    const reading = read()
    expect(await waits(reading)).toBe(true)
    body.push(text('at last'))
    expect(await reading).toBe('at last')
  })

  test('that are none are no chunk', async () => {
    body.push(bytes(0))
    body.push(text('one'))
    expect(await read()).toBe('one')
    expect(body.received).toBe(3)
  })

  test('fill the buffer of a reader that brings its own', async () => {
    reader.releaseLock()
    const other = new Body(events)
    const byob = other.open().getReader({ mode: 'byob' })
    const reading = byob.read(bytes(4))
    other.push(text('abcdef'))
    expect(new TextDecoder().decode((await reading).value)).toBe('abcd')
    expect(new TextDecoder().decode((await byob.read(bytes(4))).value)).toBe('ef')
    const last = byob.read(bytes(4))
    other.end()
    expect(await last).toMatchObject({ done: true, value: bytes(0) })
  })

  test('beyond the largest window are an overrun until they are read', async () => {
    body.push(bytes(WINDOW_MAX_BYTES))
    expect(body.overrun).toBe(false)
    body.push(bytes(1))
    expect(body.overrun).toBe(true)
    await reader.read()
    expect(body.overrun).toBe(false)
  })
})

describe('an acknowledgement', () => {
  test('is for what was read, not for what arrived', async () => {
    body.push(bytes(BATCH))
    await new Promise((resolve) => setTimeout(resolve))
    expect(acknowledged).toEqual([])
    await reader.read()
    expect(acknowledged).toEqual([BATCH])
  })

  test('waits until a quarter of the window was read, to the byte', async () => {
    body.push(bytes(BATCH - 1))
    body.push(bytes(1))
    await reader.read()
    expect(acknowledged).toEqual([])
    await reader.read()
    expect(acknowledged).toEqual([BATCH])
  })

  test('keeps to the window that the host says', async () => {
    body.setWindow(400)
    for (let at = 0; at < 4; at++) body.push(bytes(50))
    for (let at = 0; at < 4; at++) await reader.read()
    expect(acknowledged).toEqual([100, 200])
  })

  test('is for one read only when one waited', async () => {
    const reading = reader.read()
    body.push(bytes(BATCH))
    await reading
    body.push(bytes(BATCH))
    expect(acknowledged).toEqual([BATCH])
  })

  test('is of no use once the end is known', async () => {
    body.push(bytes(BATCH))
    body.push(bytes(BATCH))
    body.end()
    await reader.read()
    await reader.read()
    expect(await read()).toBe('end')
    expect(acknowledged).toEqual([])
  })
})

describe('an end', () => {
  test('comes after the bytes before it', async () => {
    body.push(text('one'))
    body.end()
    expect(finished).toBe(0)
    expect([await read(), await read()]).toEqual(['one', 'end'])
    expect(finished).toBe(1)
  })

  test('reaches a reader that waits, and one that comes later', async () => {
    const reading = read()
    body.end()
    expect([await reading, await read()]).toEqual(['end', 'end'])
  })

  test('is the only one', async () => {
    body.end()
    body.fail(new Error('too late'))
    body.abort(new Error('too late'))
    body.push(text('too late'))
    expect(await read()).toBe('end')
    expect([finished, body.failure]).toEqual([1, null])
  })
})

describe('a failure', () => {
  const error = new Error('reset')

  test('comes after the bytes before it, and is the very error', async () => {
    body.push(text('one'))
    body.fail(error)
    expect(await read()).toBe('one')
    await expect(reader.read()).rejects.toBe(error)
    expect(body.failure).toEqual({ kind: 'error', error })
    expect(finished).toBe(1)
  })

  test('of an abort takes the bytes before it along', async () => {
    body.push(text('one'))
    body.abort(error)
    await expect(reader.read()).rejects.toBe(error)
  })

  test('of an abort overtakes an end that nobody has read', async () => {
    body.push(text('one'))
    body.end()
    body.abort(error)
    await expect(reader.read()).rejects.toBe(error)
  })
})

describe('a cancelled stream', () => {
  test('says why, and takes nothing more', async () => {
    body.push(text('one'))
    await reader.cancel('enough')
    expect(cancelled).toEqual(['enough'])
    body.push(text('two'))
    body.end()
    expect(await read()).toBe('end')
    expect([acknowledged, finished]).toEqual([[], 0])
  })

  test('that was at its end has nobody to tell', async () => {
    body.end()
    await reader.cancel('enough')
    expect(cancelled).toEqual([])
  })
})

test('whatever the sizes and the turns, every byte comes out once and is acknowledged once', async () => {
  const step = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.constant('read' as const))
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      acknowledged = []
      const tried = new Body(events)
      tried.setWindow(200)
      const reads = tried.open().getReader()
      const pending: Promise<ReadableStreamReadResult<Uint8Array>>[] = []
      const sent: number[] = []
      // A stream asks for nothing before its start has settled.
      await Promise.resolve()
      for (const sizeOrRead of steps) {
        if (sizeOrRead === 'read') pending.push(reads.read())
        else {
          const chunk = bytes(sizeOrRead, sent.length % 251)
          for (const byte of chunk) sent.push(byte)
          tried.push(chunk)
        }
      }
      tried.end()
      const got: number[] = []
      let over = false
      for (const result of pending) {
        const { done, value } = await result
        over ||= done
        for (const byte of value ?? []) got.push(byte)
      }
      while (!over) {
        const { done, value } = await reads.read()
        over = done
        for (const byte of value ?? []) got.push(byte)
      }
      expect(got).toEqual(sent)
      expect(acknowledged).toEqual([...acknowledged].sort((a, b) => a - b))
      expect(new Set(acknowledged).size).toBe(acknowledged.length)
      expect(acknowledged.at(-1) ?? 0).toBeLessThanOrEqual(sent.length)
    })
  )
})

describe('a stream that nothing can reach', () => {
  setFlagsFromString('--expose-gc')
  const gc: () => void = runInNewContext('gc')

  /** A body of its own, and the times it said that it was collected. */
  function counted(): { kept: Body; said: () => number } {
    let count = 0
    const collected = () => {
      count += 1
    }
    return { kept: new Body({ ...events, collected }), said: () => count }
  }

  /** Collect, and let finalizers run: they have a task of their own. */
  async function collect(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) {
      gc()
      await new Promise((resolve) => setTimeout(resolve))
    }
  }

  test('is collected although its body is in a table, and says so once', async () => {
    const { kept, said } = counted()
    await (async () => {
      const unread = kept.open().getReader()
      kept.push(text('one'))
      await unread.read()
    })()
    await collect()
    expect(said()).toBe(1)
    kept.push(text('two'))
    kept.end()
    await collect()
    expect([said(), finished]).toEqual([1, 0])
  })

  test('but for the promise of a read that waits, is kept', async () => {
    const { kept, said } = counted()
    const got: string[] = []
    ;(() => {
      const reads = kept.open().getReader()
      void reads.read().then(({ value }) => got.push(new TextDecoder().decode(value)))
    })()
    await new Promise((resolve) => setTimeout(resolve))
    await collect()
    expect(said()).toBe(0)
    kept.push(text('one'))
    await new Promise((resolve) => setTimeout(resolve))
    expect(got).toEqual(['one'])
  })

  test('has nothing to say after its end', async () => {
    const { kept, said } = counted()
    ;(() => kept.open())()
    kept.end()
    await collect()
    expect(said()).toBe(0)
  })
})
