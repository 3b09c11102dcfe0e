import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Batcher } from '../../src/client/batch'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

test('a stream that never pauses is shown every interval', () => {
  const given: number[][] = []
  const batcher = new Batcher<number>(100, (items) => given.push(items))
  for (let i = 0; i < 35; i++) {
    batcher.add(i)
    vi.advanceTimersByTime(10)
  }
  expect(given.map(({ length }) => length)).toEqual([10, 10, 10])
  batcher.flush()
  expect(given.flat()).toEqual(Array.from({ length: 35 }, (_, i) => i))
  vi.advanceTimersByTime(1000)
  expect(given).toHaveLength(4)
})

test('with frames it is one batch a frame, and without them, in a hidden page, one every 100 ms', () => {
  const frames: (() => void)[] = []
  const cancelled: number[] = []
  vi.stubGlobal('requestAnimationFrame', (callback: () => void) => frames.push(callback))
  vi.stubGlobal('cancelAnimationFrame', (id: number) => cancelled.push(id))
  const given: number[][] = []
  const batcher = new Batcher<number>('frame', (items) => given.push(items))
  batcher.add(1)
  batcher.add(2)
  frames[0]?.()
  expect(given).toEqual([[1, 2]])
  batcher.add(3)
  vi.advanceTimersByTime(100)
  expect(given).toEqual([[1, 2], [3]])
  expect(cancelled).toContain(2)
  vi.advanceTimersByTime(1000)
  expect(given).toHaveLength(2)
})
