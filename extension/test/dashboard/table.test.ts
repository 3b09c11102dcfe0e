// What the table shows: what is told put together, found, ordered, and counted.

import { describe, expect, test } from 'vitest'
import { COLUMNS, formatMs, stateOf, toneOf } from '../../src/dashboard/columns'
import { matches, parseFilter } from '../../src/dashboard/filter'
import { PAUSED_BYTES, Paused } from '../../src/dashboard/paused'
import { KEPT_MS, RateMeter } from '../../src/dashboard/rates'
import { StreamStore } from '../../src/dashboard/store'
import { arrange, NEWEST } from '../../src/dashboard/view'
import { spanOf } from '../../src/dashboard/virtual-list'
import { barOf, spanOfRecords } from '../../src/dashboard/waterfall'
import { COUNTED, HISTORY_STREAMS, type StreamRecord } from '../../src/shared/dashboard'
import { done, failed, record, row, START, update } from './samples'

const HOST = { starts: false, heardAt: START }
const MOMENT = { now: START + 2_000, host: HOST }

function countsOf(...records: StreamRecord[]): Float64Array<ArrayBuffer> {
  return new Float64Array(records.flatMap((each) => [each.id, ...COUNTED.map((name) => each[name])]))
}

const stored = (...records: StreamRecord[]): StreamStore => {
  const store = new StreamStore()
  store.apply(update({ anew: true, records }))
  return store
}

describe('the store', () => {
  test('has what was told last of each stream', () => {
    const store = stored(record({ id: 1 }), done({ id: 2 }))
    store.apply(update({ counts: countsOf(record({ id: 1, received: 500, longestGap: 3 })) }))
    expect(store.row(1)?.record).toMatchObject({ received: 500, longestGap: 3 })
    expect([store.live, store.size]).toEqual([1, 2])
    store.apply(update({ records: [done({ id: 1 })] }))
    expect([store.live, store.size]).toEqual([0, 2])
  })
  test('knows nothing of numbers about streams that it does not have', () => {
    const store = stored()
    store.apply(update({ counts: countsOf(record({ id: 9 })) }))
    expect(store.size).toBe(0)
  })
  test('is as long as the history, and lives do not count', () => {
    const store = stored(
      record({ id: 1 }),
      ...Array.from({ length: HISTORY_STREAMS + 5 }, (_, i) => done({ id: i + 2 }))
    )
    expect([store.live, store.size, store.row(6), store.row(7)?.record.id]).toEqual([
      1,
      HISTORY_STREAMS + 1,
      undefined,
      7
    ])
  })
  test('goes on with the rates when all is told anew', () => {
    const store = stored(record({ id: 1 }))
    store.apply(update({ anew: true, at: START + 1_000, records: [record({ id: 1, received: 3_000 })] }))
    expect(store.total(START + 1_000)).toEqual({ in: 3_000, out: 0 })
  })
})

test('a rate is of the last seconds, and what is kept has an end', () => {
  const meter = new RateMeter()
  expect(meter.at(0)).toBeNull()
  for (let at = 0; at <= 200_000; at += 100) meter.add({ at, received: at * 2, sent: at })
  expect(meter.at(200_000)).toEqual({ in: 2_000, out: 1_000 })
  // Nothing came since.
  expect(meter.at(202_500)?.in).toBe(0)
  expect(meter.samples.length).toBeLessThan((2 * KEPT_MS) / 500 + 10)
})

describe('a filter', () => {
  const found = (text: string, told: StreamRecord) => matches(parseFilter(text), row(told), MOMENT.now, HOST)

  test.each([
    ['things', record(), true],
    ['THINGS app.example', record(), true],
    ['things -app.example', record(), false],
    ['state:live', record(), true],
    ['state:failed', failed(), true],
    ['state:failed', done({ status: 503 }), true],
    ['state:failed', done(), false],
    ['status:5xx', record({ status: 503 }), true],
    ['status:50', record({ status: 503 }), false],
    ['-status:200', record(), false],
    ['to:v1 method:get', record(), true],
    ['code:upstream_reset', failed(), true],
    ['broke', failed(), true],
    ['held:upstream', record({ lastByteAt: 20 }), true],
    ['held:page', record({ lastByteAt: 20 }), false],
    ['kind:websocket', record({ kind: 'websocket' }), true],
    ['https://api.example.com/v1', record(), true],
    ['constructor:x', record(), false],
    ['state:', record(), true],
    ['', record(), true]
  ])('%s', (text, told, expected) => expect(found(text, told)).toBe(expected))
})

describe('the order', () => {
  const ids = (by: string, down: boolean, ...records: StreamRecord[]) =>
    arrange(stored(...records), [], { by, down }, MOMENT).map(({ record }) => record.id)

  test('is the newest first', () => {
    expect(
      arrange(stored(done({ id: 1 }), done({ id: 3 }), record({ id: 2 })), [], NEWEST, MOMENT).map((r) => r.record.id)
    ).toEqual([3, 2, 1])
  })
  test('is by a column, and by age where that is equal', () => {
    const told = [done({ id: 1, received: 5 }), done({ id: 2, received: 9 }), done({ id: 3, received: 5 })]
    expect(ids('received', false, ...told)).toEqual([3, 1, 2])
    expect(ids('received', true, ...told)).toEqual([2, 3, 1])
  })
  test('puts what is not known last', () => {
    expect(ids('first', false, record({ id: 1 }), record({ id: 2, firstByteAt: 9 }))).toEqual([2, 1])
  })
  test('every column that sorts does', () => {
    for (const { id, sort } of COLUMNS)
      if (sort) expect(ids(id, true, record({ id: 1 }), done({ id: 2 }))).toHaveLength(2)
  })
})

describe('a cell', () => {
  const texts = (told: StreamRecord) => Object.fromEntries(COLUMNS.map(({ id, text }) => [id, text(row(told), MOMENT)]))

  test('says what is known, and nothing where nothing is', () => {
    expect(texts(record({ state: 'connecting', status: 0, headersAt: null }))).toMatchObject({
      state: 'Waiting',
      destination: 'api.example.com/v1/things?a=b',
      page: 'app.example.com',
      status: '',
      received: '',
      headers: '',
      first: '',
      held: 'upstream',
      total: '2.00 s'
    })
  })
  test('shows controls and marks of direction as codes', () => {
    const told = record({ url: 'https://a.example/\u202egpj', page: 'https://b.example\u0007', method: 'G\u200bT' })
    expect(texts(told)).toMatchObject({
      destination: 'a.example/\\u{202e}gpj',
      page: 'b.example\\u{7}',
      method: 'G\\u{200b}T'
    })
  })
  test('says how it ended', () => {
    const stopped = failed()
    const by = { ...stopped.ending, code: 'STOPPED_BY_USER' } as StreamRecord['ending']
    expect(
      [done(), done({ status: 404 }), failed(), { ...stopped, ending: by }].map((told) => [stateOf(told), toneOf(told)])
    ).toEqual([
      ['Done', 'good'],
      ['Refused', 'bad'],
      ['Failed', 'bad'],
      ['Stopped', 'quiet']
    ])
  })
  test.each([
    [null, ''],
    [0.04, '0.0 ms'],
    [9.95, '10 ms'],
    [999.4, '999 ms'],
    [999.6, '1.00 s'],
    [59_960, '0 min 59 s'],
    [3_725_000, '1 h 02 min']
  ])('%s ms is %s', (ms, text) => expect(formatMs(ms)).toBe(text))
})

test('a bar shows the wait, and the rest', () => {
  const span = spanOfRecords([record({ endedAt: 100 }), record({ startedAt: START + 100, endedAt: 100 })], MOMENT.now)
  expect(span).toEqual({ start: START, end: START + 200 })
  const bar = barOf(record({ startedAt: START + 100, endedAt: 100, headersAt: 40, firstByteAt: 50 }), span, MOMENT.now)
  expect(bar).toEqual({ left: 0.5, width: 0.5, headers: 0.4, first: 0.1 })
  expect(spanOfRecords([], 5)).toEqual({ start: 5, end: 6 })
})

describe('a virtual list', () => {
  test('has the rows in sight, and a few around', () => {
    expect(spanOf(10_000, 30, 3_000, 600)).toEqual({ first: 94, end: 126 })
  })
  test('has all of a short one', () => expect(spanOf(3, 30, 0, 600)).toEqual({ first: 0, end: 3 }))
  test('does not go beyond its ends', () => {
    expect(spanOf(100, 30, 1e9, 600).end).toBe(100)
    expect(spanOf(100, 30, -50, 600).first).toBe(0)
  })
})

describe('what is told while it is paused', () => {
  test('comes together when it goes on', () => {
    const paused = new Paused()
    paused.add(update({ records: [record({ id: 1 })] }))
    paused.add(update({ counts: countsOf(record({ id: 1, received: 1 }), record({ id: 2, received: 2 })) }))
    paused.add(update({ at: START + 9, counts: countsOf(record({ id: 2, received: 3 })) }))
    expect(paused.size).toBe(2)
    const store = stored(record({ id: 2 }))
    const told = paused.take()
    store.apply(told as NonNullable<typeof told>)
    expect([store.row(1)?.record.received, store.row(2)?.record.received, told?.at]).toEqual([1, 3, START + 9])
    expect(paused.take()).toBeNull()
  })
  test('is bounded, and what there is no room for is counted', () => {
    const paused = new Paused()
    const data = new Uint8Array(PAUSED_BYTES / 2)
    const piece = { direction: 'in' as const, at: START, size: data.length, data }
    const looked = { stream: 1, received: 0, sent: 0 }
    for (let i = 0; i < 5; i++) paused.add(update({ looked, pieces: [piece] }))
    expect(paused.take()?.pieces.map(({ data: kept, size }) => [kept?.length ?? null, size])).toEqual([
      [PAUSED_BYTES / 2, PAUSED_BYTES / 2],
      [PAUSED_BYTES / 2, PAUSED_BYTES / 2],
      [null, 1.5 * PAUSED_BYTES]
    ])
    for (let i = 0; i < 6; i++) {
      const records = Array.from({ length: 5_000 }, (_, j) => done({ id: 5_000 * i + j }))
      paused.add(update({ records }))
    }
    expect(paused.size).toBeLessThanOrEqual(2 * HISTORY_STREAMS + 5_000)
  })
})
