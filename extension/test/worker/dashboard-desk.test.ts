// The dashboard's desk in the worker: who may sit at it, what it tells and how often, and that it is idle when nobody looks.

import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Sender } from '../../src/platform/platform'
import { COUNTED, type FromDashboard, UPDATE_MS, type Update } from '../../src/shared/dashboard'
import { Bridge } from '../../src/worker/bridge'
import { DashboardDesk, isDashboard, UPDATE_RECORDS } from '../../src/worker/dashboard-desk'
import { History } from '../../src/worker/history'
import { LOOK_BURST_BYTES } from '../../src/worker/look'
import { Observer } from '../../src/worker/observer'
import { FakeLink, type FakePeer, peerOf } from './fakes'
import { chunk, end, headers, start } from './samples'

const ID = 'flafilfjcooomhoadlnfjondkibchmmc'
const EXTENSION = `chrome-extension://${ID}`
const OWN = { id: ID, origin: EXTENSION }
const sender = (fields: Sender): Sender => ({ id: ID, frameId: 0, ...fields })

test('the dashboard is the dashboard', () => {
  expect(isDashboard(sender({ origin: EXTENSION, url: `${EXTENSION}/dashboard.html` }), OWN)).toBe(true)
})

test.each([
  ['a content script that says so', { origin: 'https://chat.example.com', url: `${EXTENSION}/dashboard.html` }],
  ['in a frame', { origin: EXTENSION, url: `${EXTENSION}/dashboard.html`, frameId: 2 }],
  ['another page of the extension', { origin: EXTENSION, url: `${EXTENSION}/direct.html` }],
  ['another extension', { id: 'a'.repeat(32), origin: EXTENSION, url: `${EXTENSION}/dashboard.html` }]
])('%s it is not', (_, fields) => expect(isDashboard(sender(fields), OWN)).toBe(false))

// --- what it tells --------------------------------------------------------------------------------------------------

let link: FakeLink
let observer: Observer
let history: History
let bridge: Bridge
let page: FakePeer
let desk: DashboardDesk
let now: number
let due: { act: () => void; ms: number }[]

beforeEach(() => {
  link = new FakeLink()
  observer = new Observer()
  history = new History()
  observer.listen(history)
  bridge = new Bridge(link, observer)
  page = peerOf()
  now = 1_000
  due = []
  desk = new DashboardDesk({
    history,
    observer,
    host: () => ({ starting: link.starting, heardAt: 5 }),
    stop: (stream) => bridge.stop(null, stream),
    now: () => now,
    later: (act, ms) => due.push({ act, ms })
  })
})

class Watching {
  readonly updates: Update[] = []
  #hears: (message: unknown) => void = () => undefined
  #gone: () => void = () => undefined

  constructor() {
    desk.open({
      postMessage: (message) => this.updates.push(structuredClone(message) as Update),
      onMessage: {
        addListener: (listener) => {
          this.#hears = listener
        }
      },
      onDisconnect: {
        addListener: (listener) => {
          this.#gone = listener
        }
      }
    })
    this.say({ type: 'WATCH' })
    pass()
  }

  say(message: FromDashboard): void {
    this.#hears(message)
  }
  close(): void {
    this.#gone()
  }
  get last(): Update {
    return this.updates.at(-1) as Update
  }
  /** What is told next. */
  next(): Update {
    const before = this.updates.length
    this.say({ type: 'GOT' })
    pass()
    expect(this.updates).toHaveLength(before + 1)
    return this.last
  }
}

function pass(): void {
  for (const { act, ms } of due.splice(0)) {
    now += ms
    act()
  }
}

function open(pageId = 5): number {
  bridge.fromPage(page, start(pageId))
  return link.starts.at(-1)?.id as number
}

describe('an open dashboard', () => {
  test('hears first of all there is, then of what changes', () => {
    bridge.fromHost(end(open(1)))
    const id = open(2)
    const watching = new Watching()
    expect(watching.last.anew).toBe(true)
    expect(watching.last.records.map(({ state }) => state).sort()).toEqual(['connecting', 'ended'])
    bridge.fromHost(headers(id))
    expect(watching.next()).toMatchObject({ anew: false, records: [{ state: 'open', status: 200 }] })
    bridge.fromHost(chunk(id))
    const { records, counts } = watching.next()
    expect(records).toEqual([])
    expect([counts.length, counts[1 + COUNTED.indexOf('received')]]).toEqual([1 + COUNTED.length, 2])
    bridge.fromHost(end(id, 2))
    expect(watching.next().records).toMatchObject([{ state: 'ended', received: 2 }])
  })

  test('is told of many in several messages, the newest first', () => {
    for (let id = 1; id <= 2_500; id++) bridge.fromHost(end(open(id)))
    const watching = new Watching()
    const told = [watching.last, watching.next(), watching.next()]
    expect(told.map(({ anew, records }) => [anew, records.length])).toEqual([
      [true, UPDATE_RECORDS],
      [false, UPDATE_RECORDS],
      [false, 500]
    ])
    const ids = told.flatMap(({ records }) => records.map(({ id }) => id))
    expect(ids).toEqual([...new Set(ids)].sort((one, other) => other - one))
    watching.say({ type: 'GOT' })
    expect(due).toEqual([])
  })

  test('hears ten times a second at most, and not before it took the last', () => {
    const id = open()
    bridge.fromHost(headers(id))
    const watching = new Watching()
    for (let i = 0; i < 1_000; i++) bridge.fromHost(chunk(id, 2 * i))
    expect(due).toEqual([])
    watching.say({ type: 'GOT' })
    expect(due.map(({ ms }) => ms)).toEqual([UPDATE_MS])
    for (let i = 1_000; i < 2_000; i++) bridge.fromHost(chunk(id, 2 * i))
    expect(due).toHaveLength(1)
    pass()
    expect(watching.updates).toHaveLength(2)
  })

  test('stops a stream of any tab, and says in the error where', () => {
    open()
    const watching = new Watching()
    watching.say({ type: 'STOP', stream: watching.last.records[0]?.id as number })
    expect(page.port.posted.at(-1)).toMatchObject({
      code: 'STOPPED_BY_USER',
      message: expect.stringContaining('in the dashboard')
    })
    expect(link.commands).toMatchObject([{ type: 'STREAM_ABORT', reason: 'user' }])
  })

  test('sees the bytes of the stream that it looks at, from then on and as long as it does', () => {
    const id = open()
    bridge.fromHost(headers(id))
    bridge.fromHost(chunk(id))
    const watching = new Watching()
    const stream = watching.last.records[0]?.id as number
    watching.say({ type: 'LOOK', stream })
    bridge.fromHost(chunk(id, 2, 'Y2Q='))
    bridge.fromPage(page, { type: 'STREAM_BODY', id: 5, offset: 0, data: new Uint8Array([7]) })
    const { looked, pieces } = watching.next()
    expect(looked).toEqual({ stream, received: 2, sent: 0 })
    expect(pieces.map(({ direction, data }) => [direction, ...(data ?? [])])).toEqual([
      ['in', 99, 100],
      ['out', 7]
    ])
    watching.say({ type: 'LOOK', stream: null })
    bridge.fromHost(chunk(id, 4))
    expect(watching.next()).toMatchObject({ looked: null, pieces: [] })
  })

  test('is told how much went by too fast, which is not copied', () => {
    const id = open()
    bridge.fromHost(headers(id))
    const watching = new Watching()
    const stream = watching.last.records[0]?.id as number
    watching.say({ type: 'LOOK', stream })
    const copied = vi.spyOn(Uint8Array.prototype, 'slice')
    const size = 256 * 1024
    const data = new Uint8Array(size).toBase64()
    const count = LOOK_BURST_BYTES / size
    for (let i = 0; i < 2 * count; i++) bridge.fromHost(chunk(id, i * size, data))
    expect(copied).toHaveBeenCalledTimes(count)
    copied.mockRestore()
    const { pieces } = watching.next()
    expect(pieces.map((piece) => [piece.data?.length ?? null, piece.size])).toEqual([
      ...Array.from({ length: count }, () => [size, size]),
      [null, count * size]
    ])
    // It is shown more as time passes, and what is between is counted in its place.
    for (const [i, later] of [0, 0, 10_000].entries()) {
      now += later
      bridge.fromHost(chunk(id, (2 * count + i) * size, data))
    }
    expect(watching.next().pieces.map((piece) => [piece.data?.length ?? null, piece.size])).toEqual([
      [size, size],
      [null, size],
      [size, size]
    ])
  })

  test('that closes leaves nobody who listens', () => {
    const id = open()
    const watching = new Watching()
    watching.say({ type: 'LOOK', stream: watching.last.records[0]?.id as number })
    watching.close()
    expect(history.watcher).toBeNull()
    const [stream] = history.find(watching.last.records[0]?.id as number) ?? []
    expect(stream !== undefined && observer.tapped(stream)).toBe(false)
    bridge.fromHost(headers(id))
    expect(due.filter(({ ms }) => ms > 0)).toEqual([])
  })

  test('hears nothing of bytes where it looks at what is over', () => {
    bridge.fromHost(end(open()))
    const watching = new Watching()
    watching.say({ type: 'LOOK', stream: watching.last.records[0]?.id as number })
    expect(watching.next()).toMatchObject({ looked: null, pieces: [] })
  })

  test('forgets what ended, and not what lives', () => {
    bridge.fromHost(end(open(1)))
    open(2)
    const watching = new Watching()
    watching.say({ type: 'CLEAR' })
    pass()
    expect(watching.last).toMatchObject({ anew: true, records: [{ state: 'connecting' }] })
  })
})
