import { expect, test } from 'vitest'
import { MAX_STATUS_REQUESTS, StatusDesk } from '../../src/worker/status'

const one = {}
const other = {}

test('an answer goes to whoever asked, under the number that they asked by, and once', () => {
  const desk = new StatusDesk<object>()
  const first = desk.ask(one, 7) as number
  const second = desk.ask(other, 7) as number
  expect(second).not.toBe(first)
  expect(desk.take(second)).toEqual({ peer: other, request: 7 })
  expect(desk.take(second)).toBeUndefined()
  expect(desk.take(999)).toBeUndefined()
  expect(desk.size).toBe(1)
})

test('a relay has as many open questions as the limit says, and others have theirs', () => {
  const desk = new StatusDesk<object>()
  const numbers = Array.from({ length: MAX_STATUS_REQUESTS }, (_, n) => desk.ask(one, n + 1))
  expect(new Set(numbers).size).toBe(MAX_STATUS_REQUESTS)
  expect(desk.ask(one, 100)).toBeUndefined()
  expect(desk.ask(other, 1)).toBeDefined()
  desk.take(numbers[0] as number)
  expect(desk.ask(one, 100)).toBeDefined()
})

test('nobody hears of a question whose relay is gone', () => {
  const desk = new StatusDesk<object>()
  const forgotten = desk.ask(one, 1) as number
  desk.ask(other, 2)
  desk.forget(one)
  expect(desk.take(forgotten)).toBeUndefined()
  expect(desk.takeAll()).toEqual([{ peer: other, request: 2 }])
  expect(desk.size).toBe(0)
})
