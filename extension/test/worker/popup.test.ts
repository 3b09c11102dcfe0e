// The popup's desk in the worker: who may sit at it, what it tells, and that nothing of it stays behind.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Sender } from '../../src/platform/platform'
import type { PolicySummary, ToHost } from '../../src/protocol/native'
import type { FromPopup, Snapshot } from '../../src/shared/popup'
import { Bridge, type Peer } from '../../src/worker/bridge'
import { Denials } from '../../src/worker/denials'
import { failureOf } from '../../src/worker/failure'
import { LiveStreams } from '../../src/worker/live-streams'
import type { HostMessage } from '../../src/worker/native'
import { Observer } from '../../src/worker/observer'
import { isPopup, PopupDesk, type PopupPort, SNAPSHOT_INTERVAL_MS, WORTH_A_WORD_MS } from '../../src/worker/popup'
import { SiteSwitches } from '../../src/worker/site-switches'

const ID = 'flafilfjcooomhoadlnfjondkibchmmc'
const EXTENSION = `chrome-extension://${ID}`
const TAB = 7
const ORIGIN = 'https://chat.example.com'

// --- who may sit at it ----------------------------------------------------------------------------------------------

const sender = (fields: Sender): Sender => ({ id: ID, ...fields })

test.each([
  ['the popup', { origin: EXTENSION, url: `${EXTENSION}/popup.html` }],
  ['the popup in a tab', { origin: EXTENSION, url: `${EXTENSION}/popup.html#tab=3`, tab: { id: 4, incognito: false } }]
])('%s is the popup', (_, fields) => {
  expect(isPopup(sender(fields), { id: ID, origin: EXTENSION })).toBe(true)
})

test.each([
  ['a content script', { origin: ORIGIN, url: `${ORIGIN}/popup.html` }],
  ['a content script that says so', { origin: ORIGIN, url: `${EXTENSION}/popup.html` }],
  ['a sandboxed frame', { origin: 'null', url: `${EXTENSION}/popup.html` }],
  ['another page of the extension', { origin: EXTENSION, url: `${EXTENSION}/other.html` }],
  ['a page whose address begins alike', { origin: EXTENSION, url: `${EXTENSION}.example.com/popup.html` }],
  ['a sender without a URL', { origin: EXTENSION }],
  ['a sender without an origin', { url: `${EXTENSION}/popup.html` }],
  ['another extension', { id: 'a'.repeat(32), origin: EXTENSION, url: `${EXTENSION}/popup.html` }]
])('%s is not', (_, fields) => {
  expect(isPopup(sender(fields), { id: ID, origin: EXTENSION })).toBe(false)
})

test('nobody is not', () => expect(isPopup(undefined, { id: ID, origin: EXTENSION })).toBe(false))

// --- what it tells --------------------------------------------------------------------------------------------------

const POLICY: PolicySummary = { state: 'ok', digest: 'd1', pages: [ORIGIN] }

let sent: ToHost[]
let inUse: boolean
let denials: Denials
let bridge: Bridge
let streams: LiveStreams
let desk: PopupDesk
let switches: SiteSwitches

beforeEach(() => {
  vi.useFakeTimers()
  sent = []
  inUse = false
  const link = {
    send: (message: ToHost) => {
      sent.push(message)
      return true
    },
    setInUse: (now: boolean) => {
      inUse = now
    },
    starting: false
  }
  denials = new Denials()
  streams = new LiveStreams(() => link.starting)
  const observer = new Observer()
  for (const listener of [denials, streams]) observer.listen(listener)
  const none = { get: async () => ({}), set: async () => undefined }
  switches = new SiteSwitches(none, false, () => desk.askAgain())
  bridge = new Bridge(link, observer)
  desk = new PopupDesk(bridge, streams, denials, switches, { today: { streams: 0, bytes: 0, errors: 0 } })
})
afterEach(() => vi.useRealTimers())

class Popup {
  readonly told: Snapshot[] = []
  #hear: (message: unknown) => void = () => undefined
  #leave: () => void = () => undefined

  constructor(when?: (act: () => void) => void) {
    const port: PopupPort = {
      postMessage: (message) => this.told.push(structuredClone(message as Snapshot)),
      onMessage: {
        addListener: (listener) => {
          this.#hear = listener
        }
      },
      onDisconnect: {
        addListener: (listener) => {
          this.#leave = listener
        }
      }
    }
    desk.open(port, when)
  }

  say(message: FromPopup): void {
    this.#hear(message)
  }

  watch(origin: string | null = ORIGIN, tab = TAB): void {
    this.say({ type: 'WATCH', tab, origin, private: false })
  }

  close(): void {
    this.#leave()
  }

  get last(): Snapshot {
    return this.told.at(-1) as Snapshot
  }
}

function opened(): Popup {
  const popup = new Popup()
  popup.watch()
  return popup
}

const asked = () => sent.filter((message) => message.type === 'STATUS_REQUEST')

function answer(fields: Partial<Extract<HostMessage, { type: 'STATUS' }>> = {}): void {
  const request = asked().at(-1)?.request as number
  const status = { state: 'ready', host: '1.2.3', protocol: 1, destinations: ['https://api.example.com/'] } as const
  bridge.fromHost({ type: 'STATUS', request, ...status, ...fields } as HostMessage)
}

interface FakePage extends Peer {
  readonly heard: { type: string; code?: string }[]
}

function page(tab = TAB, frame = 0, origin = ORIGIN): FakePage {
  const heard: FakePage['heard'] = []
  const port = { postMessage: (message: unknown) => heard.push(message as never), disconnect: () => undefined }
  return { port, heard, identity: { page: { origin, tab, frame, document: `${tab}.${frame}`, private: false } } }
}

function stream(peer: Peer, id = 1): number {
  const url = `https://api.example.com/v1/${id}`
  const start = { method: 'POST', url, headers: [], body: { kind: 'none' }, redirect: 'follow', timeouts: {} }
  bridge.fromPage(peer, { type: 'STREAM_START', id, ...start })
  return (sent.at(-1) as { id: number }).id
}

const headers = (id: number, status = 200) => {
  const head = { url: 'https://api.example.com/final', redirected: true, status, reason: '', headers: [] }
  bridge.fromHost({ type: 'STREAM_HEADERS', id, ...head } as HostMessage)
}
const chunk = (id: number, offset: number, bytes: number) => {
  const data = new Uint8Array(bytes).toBase64()
  bridge.fromHost({ type: 'STREAM_CHUNK', id, offset, data } as HostMessage)
}

test('it asks the host once, in the name of the watched page, and tells the answer', () => {
  const popup = opened()
  expect(popup.last.bridge).toEqual({ kind: 'asking' })
  expect(asked()).toHaveLength(1)
  expect(asked()[0]?.page).toMatchObject({ origin: ORIGIN, tab: TAB, private: false })
  answer()
  expect(popup.last).toMatchObject({
    tab: TAB,
    bridge: { kind: 'up', policyInvalid: false, host: '1.2.3', protocol: 1 },
    destinations: ['https://api.example.com/'],
    streams: []
  })
  vi.advanceTimersByTime(60_000)
  expect(asked()).toHaveLength(1)
})

test('it tells whom the page may generate with, and forgets it with the answer that it was in', () => {
  const popup = opened()
  const providers = [{ name: 'openai', models: ['gpt-5*'] }]
  answer({ destinations: [], providers })
  expect(popup.last).toMatchObject({ destinations: [], providers })
  popup.say({ type: 'ASK' })
  expect(popup.last).toMatchObject({ bridge: { kind: 'asking' }, providers: [] })
  answer({ destinations: [] })
  expect(popup.last).toMatchObject({ providers: [], obstacles: [] })
})

test('what a popup says before the worker may serve is heard once it may', () => {
  const waiting: (() => void)[] = []
  const popup = new Popup((act) => waiting.push(act))
  popup.watch()
  expect([asked(), popup.told]).toEqual([[], []])
  for (const act of waiting) act()
  expect(asked()).toHaveLength(1)
  expect(popup.last.bridge).toEqual({ kind: 'asking' })
})

test('an answer that takes a second says what it waits for, and switches that the browser has not confirmed are known as such', () => {
  let waits: 'host' | null = 'host'
  let confirmed = false
  vi.setSystemTime(0)
  desk = new PopupDesk(
    bridge,
    streams,
    denials,
    switches,
    { today: { streams: 0, bytes: 0, errors: 0 } },
    { waitsFor: () => waits, confirmed: () => confirmed }
  )
  vi.advanceTimersByTime(WORTH_A_WORD_MS)
  const popup = opened()
  expect(popup.last).toMatchObject({ waitsFor: null, unconfirmed: true })
  vi.advanceTimersByTime(WORTH_A_WORD_MS)
  expect(popup.last).toMatchObject({ waitsFor: 'host', unconfirmed: true })
  answer()
  expect(popup.last).toMatchObject({ waitsFor: null, bridge: { kind: 'up' } })
  waits = null
  confirmed = true
  // The administrator changed something: what the host answered last may not hold any more.
  desk.askAgain()
  expect(asked()).toHaveLength(2)
  answer({ destinations: [] })
  expect(popup.last).toMatchObject({ unconfirmed: false, destinations: [] })
})

test('a page that cannot be served has the bridge asked all the same, for nobody', () => {
  const popup = new Popup()
  popup.watch(null)
  expect(asked()[0]?.page.origin).toBe('null')
  answer({ destinations: [] })
  expect(popup.last.bridge.kind).toBe('up')
})

test('an answer about the page before is not one about this page', () => {
  const popup = opened()
  const first = asked()[0]?.request as number
  popup.watch('https://other.example.com')
  bridge.fromHost({ type: 'STATUS', request: first, state: 'ready', destinations: ['https://x/'] } as HostMessage)
  expect(popup.last.bridge).toEqual({ kind: 'asking' })
  expect(popup.last.destinations).toEqual([])
})

test('streams of all frames of the tab are told each second, and of no other tab', () => {
  const popup = opened()
  answer()
  const top = stream(page())
  stream(page(TAB, 3, 'https://frame.example.com'))
  stream(page(8))
  headers(top)
  chunk(top, 0, 1000)
  chunk(top, 1000, 24)
  const before = popup.told.length
  vi.advanceTimersByTime(SNAPSHOT_INTERVAL_MS)
  expect(popup.told).toHaveLength(before + 1)
  expect(popup.last.streams).toMatchObject([
    { id: top, origin: ORIGIN, method: 'POST', url: 'https://api.example.com/final', state: 'open', status: 200 },
    { origin: 'https://frame.example.com', url: 'https://api.example.com/v1/1', state: 'connecting', status: 0 }
  ])
  expect(popup.last.streams[0]?.received).toBe(1024)
  expect(popup.last.at - (popup.last.streams[0]?.startedAt ?? 0)).toBe(SNAPSHOT_INTERVAL_MS)
})

test('request bytes are counted', () => {
  const peer = page()
  const id = stream(peer)
  bridge.fromPage(peer, { type: 'STREAM_BODY', id: 1, offset: 10, data: new Uint8Array(5) })
  expect(streams.of(TAB)).toMatchObject([{ id, sent: 15 }])
})

test('STOP ends the stream in the page as the user’s doing, and on the host', () => {
  const popup = opened()
  const peer = page()
  const id = stream(peer)
  headers(id)
  popup.say({ type: 'STOP', stream: id })
  expect(sent.at(-1)).toEqual({ type: 'STREAM_ABORT', id, reason: 'user' })
  expect(peer.heard.at(-1)).toMatchObject({ type: 'STREAM_ERROR', code: 'STOPPED_BY_USER', retryable: false })
  expect(popup.last.streams).toMatchObject([{ id, state: 'ending' }])
  // A second one, or the host's own answer, adds nothing.
  const heard = peer.heard.length
  popup.say({ type: 'STOP', stream: id })
  bridge.fromHost({ type: 'STREAM_ABORTED', id } as HostMessage)
  expect(peer.heard).toHaveLength(heard)
  expect(sent.filter(({ type }) => type === 'STREAM_ABORT')).toHaveLength(1)
  expect(streams.of(TAB)).toEqual([])
})

test('STOP reaches streams of the watched tab only', () => {
  const popup = opened()
  const peer = page(8)
  popup.say({ type: 'STOP', stream: stream(peer) })
  popup.say({ type: 'STOP', stream: 999 })
  expect(peer.heard).toEqual([])
})

test('a host that is not there is told once and not started again, until the user asks', () => {
  const popup = opened()
  const failure = failureOf('not-found', false, ID)
  bridge.hostLost(failure)
  desk.hostLost(failure)
  expect(popup.last.bridge).toMatchObject({ kind: 'down', state: 'host-missing', code: 'HOST_UNAVAILABLE' })
  vi.advanceTimersByTime(60_000)
  expect(asked()).toHaveLength(1)
  popup.say({ type: 'ASK' })
  expect(asked()).toHaveLength(2)
  expect(popup.last.bridge.kind).toBe('asking')
  desk.policyIs(POLICY)
  answer()
  expect(popup.last).toMatchObject({ bridge: { kind: 'up' }, policy: POLICY })
  expect(asked()).toHaveLength(2)
})

test('a policy that changes is asked about, without an empty moment in between', () => {
  const popup = opened()
  answer()
  desk.policyIs({ ...POLICY, digest: 'd2' })
  vi.advanceTimersByTime(SNAPSHOT_INTERVAL_MS)
  expect(popup.last).toMatchObject({ bridge: { kind: 'up' }, destinations: ['https://api.example.com/'] })
  expect(asked()).toHaveLength(2)
  answer({ destinations: [] })
  expect(popup.last.destinations).toEqual([])
})

test('what the policy refused this page is told, until the policy is another', () => {
  desk.policyIs(POLICY)
  const popup = opened()
  answer()
  const id = stream(page())
  const error = { code: 'POLICY_DENIED', message: 'no', phase: 'policy', retryable: false } as const
  bridge.fromHost({ type: 'STREAM_ERROR', id, ...error } as HostMessage)
  vi.advanceTimersByTime(SNAPSHOT_INTERVAL_MS)
  expect(popup.last.denied).toEqual({ method: 'POST', url: 'https://api.example.com/v1/1' })
  // The same policy again: a host that was started anew.
  desk.policyIs(POLICY)
  answer()
  expect(popup.last.denied).not.toBeNull()
  popup.watch('https://other.example.com')
  expect(popup.last.denied).toBeNull()
  popup.watch()
  desk.policyIs({ ...POLICY, digest: 'd2' })
  answer()
  expect(popup.last.denied).toBeNull()
})

// --- that nothing stays ---------------------------------------------------------------------------------------------

test('a popup that closes leaves no timer, no question and no use of the host', () => {
  const popup = opened()
  expect(inUse).toBe(true)
  popup.close()
  expect(inUse).toBe(false)
  expect(vi.getTimerCount()).toBe(0)
  const told = popup.told.length
  desk.policyIs(POLICY)
  expect(popup.told).toHaveLength(told)
  expect(asked()).toHaveLength(1)
})

test('an open popup does not hold the host once it has answered', () => {
  opened()
  answer()
  expect(inUse).toBe(false)
})

test('two popups, of two windows, are told apart', () => {
  const one = opened()
  answer()
  const two = new Popup()
  two.watch('https://other.example.com', 8)
  answer({ destinations: [] })
  expect(one.last.destinations).toHaveLength(1)
  expect(two.last.destinations).toHaveLength(0)
  one.close()
  two.say({ type: 'ASK' })
  answer()
  expect(two.last.destinations).toHaveLength(1)
})

test('a switch is set for the watched page, is told at once, and has the host asked again', async () => {
  const popup = opened()
  popup.say({ type: 'SWITCH', which: 'websocket', on: false })
  expect(switches.offAt(ORIGIN)).toEqual(['websocket'])
  expect(popup.last).toMatchObject({ off: ['websocket'], today: { streams: 0, bytes: 0, errors: 0 } })
  popup.say({ type: 'SWITCH', which: 'everything' as 'all', on: false })
  expect(switches.offAt(ORIGIN)).toEqual(['websocket'])
  popup.watch(null)
  popup.say({ type: 'SWITCH', which: 'all', on: false })
  expect(switches.offAt('null')).toEqual([])
})
