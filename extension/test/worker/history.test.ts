// Every stream as numbers: what is counted, what is kept, and that a stopped worker loses nothing of it.

import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { SessionStorage } from '../../src/platform/platform'
import type { StreamHeaders, StreamStart } from '../../src/protocol/native'
import { HISTORY_BYTES, HISTORY_STREAMS, type StreamRecord } from '../../src/shared/dashboard'
import { History, MAX_URL_SHOWN } from '../../src/worker/history'
import { HistoryStore, PIECE_STREAMS } from '../../src/worker/history-store'
import type { ObservedStream, StreamEnding } from '../../src/worker/observer'
import { headers, PAGE } from './samples'

const ORIGIN = 1_700_000_000_000
const END: StreamEnding = { how: 'end', bytes: 0, completeness: 'length', timings: { total_ms: 1 } }
const NO_BODY = { body: { kind: 'none' } } as StreamStart

let clock: { timeOrigin: number; time: number; now(): number }
let history: History

beforeEach(() => {
  clock = {
    timeOrigin: ORIGIN,
    time: 0,
    now() {
      return this.time
    }
  }
  history = new History(clock)
})

function opened(
  id: number,
  changes: Partial<ObservedStream & { url: string }> = {},
  start = NO_BODY
): ObservedStream & { window?: number } {
  const stream = {
    id,
    page: PAGE,
    method: 'GET',
    url: 'https://api.example.com/',
    durable: false,
    startedAt: clock.time,
    ...changes
  }
  history.opened(stream, start)
  return stream
}

const only = (): Readonly<StreamRecord> => history.all()[0] as StreamRecord

describe('a stream', () => {
  test('is counted from its beginning to its end', () => {
    const stream = opened(3)
    expect(only()).toMatchObject({
      page: PAGE.origin,
      principal: 'page',
      kind: 'http',
      state: 'connecting',
      bodySent: true
    })
    clock.time = 40
    const head: StreamHeaders = {
      ...headers(3),
      status: 206,
      headers: [['Content-Type', 'Text/Event-Stream; charset=utf-8']]
    }
    history.headers(stream, head)
    clock.time = 50
    stream.window = 65_536
    history.chunk(stream, 0, 100)
    clock.time = 60
    history.chunk(stream, 100, 20)
    clock.time = 310
    history.chunk(stream, 120, 1)
    history.message(stream, 'STREAM_ACK', 100)
    clock.time = 400
    history.ended(stream, { ...END, bytes: 121 })
    expect(only()).toMatchObject({
      startedAt: ORIGIN,
      state: 'ended',
      status: 206,
      mime: 'text/event-stream',
      headersAt: 40,
      firstByteAt: 50,
      lastByteAt: 310,
      endedAt: 400,
      received: 121,
      consumed: 100,
      window: 65_536,
      chunks: 3,
      gaps: 1,
      longestGap: 250,
      ending: { how: 'end', completeness: 'length' }
    })
    expect(only().ending).not.toHaveProperty('bytes')
  })

  test('has the grant from its head on, or from its end where it had none', () => {
    const stream: ReturnType<typeof opened> & { grant?: string } = opened(1)
    const refused: ReturnType<typeof opened> & { grant?: string } = opened(2)
    expect(history.all().map(({ grant }) => grant)).toEqual(['', ''])
    stream.grant = 'chat'
    history.headers(stream, headers(1))
    refused.grant = 'feed'
    history.ended(refused, { how: 'abort', reason: null })
    expect(history.all().map(({ grant }) => grant)).toEqual(['chat', 'feed'])
  })

  test('that sends a body is counted both ways, and anew when it is sent again', () => {
    const stream = opened(1, { method: 'POST' }, { body: { kind: 'stream' } } as StreamStart)
    history.message(stream, 'STREAM_BODY', 70)
    history.message(stream, 'STREAM_BODY_ACK', 30)
    expect(only()).toMatchObject({ sent: 70, taken: 30, bodySent: false })
    history.message(stream, 'STREAM_BODY_END', 70)
    expect(only().bodySent).toBe(true)
    history.message(stream, 'STREAM_BODY_AGAIN', 0)
    expect(only()).toMatchObject({ sent: 0, taken: 0, bodySent: false })
  })

  test.each([
    ['longwire:generate', 'generation'],
    ['wss://api.example.com/', 'websocket'],
    ['https://api.example.com/wss:', 'http']
  ])('to %s is a %s', (url, kind) => {
    opened(1, { url })
    expect(only().kind).toBe(kind)
  })

  test('has a URL as long as it can be shown', () => {
    opened(1, { url: `https://a.example/${'x'.repeat(60_000)}` })
    expect(only().url).toHaveLength(MAX_URL_SHOWN + '… (60018 characters)'.length)
  })

  test('is told to who looks, and to nobody else', () => {
    const stream = opened(1)
    const watcher = { turned: vi.fn(), counted: vi.fn() }
    history.watcher = watcher
    history.headers(stream, headers(1))
    history.chunk(stream, 0, 5)
    history.message(stream, 'STREAM_ABORT', 0)
    history.ended(stream, END)
    expect(watcher.turned).toHaveBeenCalledTimes(3)
    expect(watcher.counted).toHaveBeenCalledTimes(1)
  })

  test('is found by its id as long as it lives', () => {
    const stream = opened(7)
    const { id } = only()
    expect(history.find(id)?.[0]).toBe(stream)
    history.ended(stream, END)
    expect(history.find(id)).toBeUndefined()
  })
})

describe('what ended', () => {
  test('is the newest 10,000', () => {
    for (let id = 1; id <= HISTORY_STREAMS + 1; id++) history.ended(opened(id), END)
    const ids = history.all().map(({ id }) => id - ORIGIN * 1000)
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([HISTORY_STREAMS, HISTORY_STREAMS + 1, 2])
  })

  test('is fewer where their texts are long', () => {
    const ending: StreamEnding = {
      how: 'error',
      by: 'host',
      code: 'POLICY_DENIED',
      message: 'x'.repeat(1000),
      phase: 'policy',
      retryable: false
    }
    const url = `https://a.example/${'x'.repeat(MAX_URL_SHOWN)}`
    for (let id = 1; id <= HISTORY_STREAMS; id++) history.ended(opened(id, { url }), ending)
    const count = history.all().length
    expect(count).toBeLessThan(HISTORY_BYTES / (2 * MAX_URL_SHOWN))
    expect(count).toBeGreaterThan(1_000)
  })

  test('of another worker has another id', () => {
    opened(1)
    const later = new History({ ...clock, timeOrigin: ORIGIN + 1 })
    later.opened({ id: 1, page: PAGE, method: 'GET', url: 'https://a.example/', durable: false, startedAt: 0 }, NO_BODY)
    expect(later.all()[0]?.id).toBeGreaterThan(only().id)
  })
})

// --- over a worker's end --------------------------------------------------------------------------------------------

class MemoryStorage implements SessionStorage {
  items: Record<string, unknown> = {}
  writes = 0
  /** Characters that it takes. */
  room = Number.POSITIVE_INFINITY

  async get(): Promise<Record<string, unknown>> {
    return structuredClone(this.items)
  }
  async set(items: Record<string, unknown>): Promise<void> {
    const next = { ...this.items, ...structuredClone(items) }
    if (JSON.stringify(next).length > this.room) throw new Error('QUOTA_BYTES')
    this.items = next
    this.writes += 1
  }
  async remove(keys: string[]): Promise<void> {
    for (const key of keys) delete this.items[key]
  }
}

let storage: MemoryStorage
let due: (() => Promise<void>)[]

/** A worker: its history, and the store that keeps it. */
async function worker(): Promise<HistoryStore> {
  history = new History(clock)
  const store = new HistoryStore(
    storage,
    history,

    (act) => due.push(act)
  )
  history.keeper = store
  await store.ready
  return store
}

/** What was put off is done, and all that it began. */
async function written(): Promise<void> {
  while (due.length > 0) for (const act of due.splice(0)) await act()
}

describe('a worker that was stopped', () => {
  beforeEach(() => {
    storage = new MemoryStorage()
    due = []
  })

  test('finds what ended before, in order, and goes on', async () => {
    await worker()
    const count = 2 * PIECE_STREAMS + 3
    for (let id = 1; id <= count; id++) history.ended(opened(id, { url: `https://a.example/${id}` }), END)
    await written()
    clock.timeOrigin += 1_000
    await worker()
    history.ended(opened(1, { url: 'https://a.example/next' }), END)
    await written()
    await worker()
    const urls = history.all().map(({ url }) => url.slice('https://a.example/'.length))
    expect(urls.reverse()).toEqual([...Array.from({ length: count }, (_, i) => String(i + 1)), 'next'])
  })

  test('says of those that lived that they ended with it', async () => {
    await worker()
    const stream = opened(1)
    clock.time = 20
    history.headers(stream, headers(1))
    await written()
    await worker()
    expect(history.all()).toMatchObject([
      { state: 'ended', ending: { how: 'error', code: 'BRIDGE_LOST', phase: 'body' } }
    ])
    await written()
    await worker()
    expect(history.all()).toHaveLength(1)
  })

  test('has forgotten what a person had it forget', async () => {
    await worker()
    history.ended(opened(1), END)
    await written()
    history.clear()
    history.ended(opened(2), END)
    await written()
    // While a piece of those that came before is being packed.
    for (let id = 3; id <= PIECE_STREAMS + 1; id++) history.ended(opened(id), END)
    const { CompressionStream } = globalThis
    globalThis.CompressionStream = class extends CompressionStream {
      constructor(format: CompressionFormat) {
        super(format)
        history.clear()
        globalThis.CompressionStream = CompressionStream
      }
    }
    await written()
    await worker()
    expect([history.all(), Object.keys(storage.items)]).toEqual([[], ['streams.live']])
  })

  test('writes what happens within a second at once', async () => {
    await worker()
    await written()
    const before = storage.writes
    for (let id = 1; id <= 50; id++) history.ended(opened(id), END)
    await written()
    expect(storage.writes - before).toBe(2)
  })

  test('has the newest where the storage is full', async () => {
    storage.room = 60_000
    const told = vi.spyOn(console, 'warn').mockReturnValue()
    await worker()
    const random = () => Math.random().toString(36).slice(2)
    const count = 40 * PIECE_STREAMS
    for (let id = 1; id <= count; id++)
      history.ended(opened(id, { url: `https://a.example/${random()}${random()}` }), END)
    await written()
    const [newest] = history.all()
    await worker()
    const kept = history.all()
    expect(kept[0]).toEqual(newest)
    expect(kept.length).toBeGreaterThan(PIECE_STREAMS)
    expect(kept.length).toBeLessThan(count)
    expect(told).not.toHaveBeenCalled()
    told.mockRestore()
  })

  test('begins anew where what is stored cannot be read', async () => {
    const told = vi.spyOn(console, 'warn').mockReturnValue()
    storage.items['streams.ended.0'] = 'bm90IGd6aXA='
    await worker()
    history.ended(opened(1), END)
    await written()
    expect(told).toHaveBeenCalledOnce()
    await worker()
    expect(history.all()).toHaveLength(1)
    told.mockRestore()
  })
})
