import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ObservedStream, StreamEnding } from '../../src/worker/observer'
import { KEEP_EVERY_MS, TOTALS, Totals } from '../../src/worker/totals'

let kept: Record<string, unknown>
let writes: number
let day: string

const storage = {
  get: async (key: string) => ({ [key]: kept[key] }),
  set: async (items: Record<string, unknown>) => {
    writes += 1
    kept = { ...kept, ...items }
  }
}
const STREAM = { url: 'https://api.example.com/?key=planted' } as ObservedStream
const WHOLE: StreamEnding = { how: 'end', bytes: 3, completeness: 'length', timings: { total_ms: 1 } }
const failed = (code: 'UPSTREAM_RESET' | 'STOPPED_BY_USER'): StreamEnding => ({
  how: 'error',
  by: 'host',
  code,
  message: '',
  phase: 'body',
  retryable: false
})

beforeEach(() => {
  vi.useFakeTimers()
  kept = {}
  writes = 0
  day = '2026-12-1'
})
afterEach(() => vi.useRealTimers())

const made = async (of: typeof storage | null = storage) => {
  const totals = new Totals(of, () => day)
  await vi.advanceTimersByTimeAsync(0)
  return totals
}

test('streams, bytes and errors of the day are counted, over starts of the worker', async () => {
  const totals = await made()
  for (let count = 0; count < 1000; count += 1) totals.chunk(STREAM, count * 3, 3)
  totals.ended(STREAM, WHOLE)
  totals.ended(STREAM, failed('UPSTREAM_RESET'))
  totals.ended(STREAM, failed('STOPPED_BY_USER'))
  totals.ended(STREAM, { how: 'abort', reason: 'signal' })
  expect(totals.today).toEqual({ streams: 4, bytes: 3000, errors: 1 })
  await vi.advanceTimersByTimeAsync(KEEP_EVERY_MS)
  expect(writes).toBe(1)
  const next = await made()
  next.ended(STREAM, WHOLE)
  expect(next.today).toEqual({ streams: 5, bytes: 3000, errors: 1 })
})

test('a new day begins at nothing', async () => {
  const totals = await made()
  totals.ended(STREAM, WHOLE)
  await vi.advanceTimersByTimeAsync(KEEP_EVERY_MS)
  day = '2026-12-2'
  expect(totals.today).toEqual({ streams: 0, bytes: 0, errors: 0 })
  expect((await made()).today).toEqual({ streams: 0, bytes: 0, errors: 0 })
})

test('nothing of who asked for what is kept, and of private windows nothing at all', async () => {
  const totals = await made()
  totals.ended(STREAM, WHOLE)
  const hidden = await made(null)
  hidden.ended(STREAM, WHOLE)
  await vi.advanceTimersByTimeAsync(KEEP_EVERY_MS)
  expect(kept).toEqual({ [TOTALS]: { day, streams: 1, bytes: 0, errors: 0 } })
  expect(hidden.today.streams).toBe(1)
})

test.each([null, 'x', { day: '2026-12-1', streams: -1, bytes: '9', errors: 2 ** 60 }])(
  'what is no count counts as nothing (%#)',
  async (stored) => {
    kept = { [TOTALS]: stored }
    expect((await made()).today).toEqual({ streams: 0, bytes: 0, errors: 0 })
  }
)
