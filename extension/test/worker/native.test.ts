// The one native port: opened by need, welcomed, watched, let go, and what each end of it means.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { CloseReason, Port } from '../../src/platform/platform'
import { INLINE_BODY_BYTES, LINGER_MS, PEER_SILENCE_MS, PROTOCOL_VERSION } from '../../src/protocol/constants'
import type { PolicySummary, Switches, ToHost } from '../../src/protocol/native'
import type { Failure } from '../../src/worker/failure'
import {
  type HostMessage,
  MAX_QUEUED_CHARS,
  MAX_QUEUED_MESSAGES,
  NativeLink,
  WELCOME_DEADLINE_MS
} from '../../src/worker/native'
import { startToHost } from '../../src/worker/translate'
import { aborted, chunk, error, PAGE, POLICY, start, welcome } from './samples'

class FakePort implements Port {
  readonly posted: ToHost[] = []
  disconnected = false
  broken = false
  readonly #listeners = { message: [] as ((message: unknown) => void)[], disconnect: [] as (() => void)[] }
  readonly onMessage = { addListener: (listener: (message: unknown) => void) => this.#listeners.message.push(listener) }
  readonly onDisconnect = { addListener: (listener: () => void) => this.#listeners.disconnect.push(listener) }

  postMessage(message: unknown): void {
    if (this.broken || this.disconnected) throw new Error('Attempting to use a disconnected port object')
    this.posted.push(message as ToHost)
  }

  disconnect(): void {
    this.disconnected = true
  }

  say(message: unknown): void {
    for (const listener of this.#listeners.message) listener(message)
  }

  end(): void {
    for (const listener of this.#listeners.disconnect) listener()
  }
}

let ports: FakePort[]
let closedBy: CloseReason | undefined
let asleepMs: number
let bornBroken: boolean
let messages: HostMessage[]
let badMessages: [id: number, last: boolean][]
let policies: PolicySummary[]
let losses: Failure[]
let switches: Switches | null
let link: NativeLink

beforeEach(() => {
  vi.useFakeTimers()
  ports = []
  messages = []
  badMessages = []
  policies = []
  losses = []
  closedBy = undefined
  asleepMs = 0
  bornBroken = false
  switches = null
  link = new NativeLink(
    {
      connect: () => {
        const port = new FakePort()
        port.broken = bornBroken
        ports.push(port)
        return port
      },
      closedBy: () => closedBy,
      extensionId: 'flafilfjcooomhoadlnfjondkibchmmc',
      extensionVersion: '0.1.0',
      switches: () => switches,
      now: () => performance.now() + asleepMs
    },
    {
      message: (message) => messages.push(message),
      badMessage: (id, last) => badMessages.push([id, last]),
      policy: (policy) => policies.push(policy),
      lost: (failure) => losses.push(failure)
    }
  )
})
afterEach(() => vi.useRealTimers())

/** The port in use. */
function port(): FakePort {
  const last = ports.at(-1)
  if (last === undefined) throw new Error('no port was opened')
  return last
}

function greeted(): FakePort {
  link.open()
  port().say(welcome())
  port().posted.length = 0
  return port()
}

const ack = (id: number): ToHost => ({ type: 'STREAM_ACK', id, consumed: 0 })
const codes = () => losses.map(({ code }) => code)

describe('opening', () => {
  test('says HELLO first, and once', () => {
    link.open()
    link.open()
    expect(ports.length).toBe(1)
    expect(port().posted).toEqual([
      {
        type: 'HELLO',
        protocol: PROTOCOL_VERSION,
        extension: '0.1.0',
        chunk_encodings: ['deflate'],
        knows: ['writer', 'grant', 'takes']
      }
    ])
  })

  test('the policy of WELCOME is told', () => {
    greeted()
    expect(policies).toEqual([POLICY])
    expect(losses).toEqual([])
  })

  test('what is sent before WELCOME goes after it, in order, and then at once', () => {
    for (const id of [1, 2, 3]) expect(link.send(ack(id))).toBe(true)
    expect(port().posted.length).toBe(1)
    port().say(welcome())
    expect(port().posted.slice(1)).toEqual([1, 2, 3].map(ack))
    link.send(ack(4))
    expect(port().posted.at(-1)).toEqual(ack(4))
    expect(ports.length).toBe(1)
  })

  test('a host that does not answer within the deadline is given up', () => {
    link.send(ack(1))
    vi.advanceTimersByTime(WELCOME_DEADLINE_MS - 1)
    expect(losses).toEqual([])
    vi.advanceTimersByTime(1)
    expect(codes()).toEqual(['HOST_UNAVAILABLE'])
    expect(port().disconnected).toBe(true)
  })

  test('the next connection does not inherit what waited for the last one', () => {
    link.send(ack(1))
    port().end()
    expect(codes()).toEqual(['HOST_UNAVAILABLE'])
    link.send(ack(2))
    port().say(welcome())
    expect(ports.length).toBe(2)
    expect(port().posted.slice(1)).toEqual([ack(2)])
  })
})

describe('what waits for WELCOME', () => {
  const abort: ToHost = { type: 'STREAM_ABORT', id: 1, reason: 'signal' }

  test('is so many messages; only an abort still passes', () => {
    for (let n = 0; n < MAX_QUEUED_MESSAGES; n++) expect(link.send(ack(n + 1))).toBe(true)
    expect(link.send(ack(1))).toBe(false)
    expect(link.send(abort)).toBe(true)
    port().say(welcome())
    expect(port().posted.length).toBe(1 + MAX_QUEUED_MESSAGES + 1)
    expect(link.send(ack(1))).toBe(true)
  })

  const inlineStart = startToHost(
    start(1, { body: { kind: 'inline', data: new Uint8Array(INLINE_BODY_BYTES) } }),
    1,
    PAGE
  )
  const streamedPiece: ToHost = { type: 'STREAM_BODY', id: 1, offset: 0, data: 'A'.repeat(87_384) }
  const longHeader = startToHost(start(1, { headers: [['a', 'x'.repeat(60_000)]] }), 1, PAGE)
  test.each([
    ['inline bodies', inlineStart, 349_528],
    ['pieces of bodies', streamedPiece, 87_384],
    ['headers', longHeader, 60_000]
  ])('is so many characters of %s', (_, message, chars) => {
    const most = Math.floor(MAX_QUEUED_CHARS / chars)
    let taken = 0
    while (link.send(message)) taken += 1
    expect(taken).toBeLessThanOrEqual(most)
    expect(taken).toBeGreaterThan(most * 0.99)
    expect(link.send(ack(1))).toBe(true)
    expect(link.send(abort)).toBe(true)
  })
})

describe('what the host says', () => {
  test('a message goes on, a ping is answered, a policy is told', () => {
    greeted().say(chunk(4))
    port().say({ type: 'STREAM_PING', seq: 9 })
    port().say({ type: 'POLICY', policy: { ...POLICY, digest: 'd2' } })
    expect(messages).toEqual([chunk(4)])
    expect(port().posted).toEqual([{ type: 'STREAM_PONG', seq: 9 }])
    expect(policies.map(({ digest }) => digest)).toEqual(['d1', 'd2'])
  })

  test('a bad frame that names a stream costs that stream only', () => {
    greeted().say({ ...chunk(4), offset: -1 })
    port().say({ ...error(4), code: 'OF_A_LATER_HOST' })
    expect(badMessages).toEqual([
      [4, false],
      [4, true]
    ])
    expect(losses).toEqual([])
    port().say(chunk(5))
    expect(messages).toEqual([chunk(5)])
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['no object', 'STREAM_CHUNK'],
    ['an unknown type', { type: 'STREAM_SING' }],
    ['a second WELCOME', welcome()],
    ['an id that is none', { ...chunk(4), id: '4' }]
  ])('%s ends the channel', (_, message) => {
    greeted().say(message)
    expect(codes()).toEqual(['PROTOCOL'])
    expect(port().disconnected).toBe(true)
  })

  test.each<[string, unknown]>([
    ['a message', chunk(4)],
    ['a ping', { type: 'STREAM_PING', seq: 1 }],
    ['a bad frame of a stream', { ...chunk(4), offset: -1 }]
  ])('%s before WELCOME ends the channel', (_, message) => {
    link.open()
    port().say(message)
    expect(codes()).toEqual(['PROTOCOL'])
    expect([messages, badMessages]).toEqual([[], []])
    expect(port().posted.length).toBe(1)
  })

  test('FATAL is the end, in its own words', () => {
    greeted().say({ type: 'FATAL', code: 'PROTOCOL', message: 'a frame', fix: 'reload' })
    expect(losses).toEqual([
      { code: 'PROTOCOL', message: 'a frame', fix: 'reload', command: null, state: 'host-failed' }
    ])
    expect(port().disconnected).toBe(true)
  })

  test.each<[string, object, string]>([
    ['older', welcome({ protocol: PROTOCOL_VERSION - 1 }), '`longwire` package'],
    ['newer', welcome({ protocol: PROTOCOL_VERSION + 1 }), 'Update the extension'],
    ['newer, with fields of its own', { ...welcome({ protocol: 99 }), more: 1 }, 'Update the extension'],
    [
      'older, and refuses HELLO',
      { type: 'FATAL', code: 'PROTOCOL', message: 'HELLO: knows', fix: 'reload' },
      '`longwire` package'
    ]
  ])('a host that is %s is not spoken to', (_, message, fix) => {
    link.send(ack(1))
    port().say(message)
    expect(codes()).toEqual(['VERSION_MISMATCH'])
    expect(losses[0]?.fix).toContain(fix)
    expect(port().posted.length).toBe(1)
    expect(policies).toEqual([])
  })
})

describe('the end', () => {
  test.each([
    ['exited', 'HOST_LOST'],
    ['not-found', 'HOST_UNAVAILABLE']
  ] as const)('of the port with %j', (reason, code) => {
    greeted()
    closedBy = reason
    port().end()
    expect(codes()).toEqual([code])
  })

  test('of a port that cannot be posted to is told once', () => {
    greeted().broken = true
    expect(link.send(ack(1))).toBe(true)
    expect(codes()).toEqual(['HOST_LOST'])
    port().end()
    port().say(chunk(1))
    expect(codes()).toEqual(['HOST_LOST'])
    expect(messages).toEqual([])
  })

  test('of a port that never was one is told once, and the message is not kept', () => {
    bornBroken = true
    expect(link.send(ack(1))).toBe(true)
    expect(codes()).toEqual(['HOST_UNAVAILABLE'])
    bornBroken = false
    greeted()
    expect(port().posted).toEqual([])
    vi.advanceTimersByTime(WELCOME_DEADLINE_MS)
    expect(codes()).toEqual(['HOST_UNAVAILABLE'])
  })

  test('of the port while the queue is sent leaves nothing for the next one', () => {
    link.send(ack(1))
    link.send(ack(2))
    port().broken = true
    port().say(welcome())
    expect(codes()).toEqual(['HOST_LOST'])
    expect(policies).toEqual([])
    vi.advanceTimersByTime(10 * PEER_SILENCE_MS)
    expect(codes()).toEqual(['HOST_LOST'])
    expect(ports.length).toBe(1)
  })

  test('what an old port still says is for nobody', () => {
    const old = greeted()
    old.end()
    greeted()
    old.say(chunk(1))
    old.say({ type: 'FATAL', code: 'PROTOCOL', message: '', fix: '' })
    old.end()
    expect(messages).toEqual([])
    expect(losses.length).toBe(1)
    expect(port().disconnected).toBe(false)
  })
})

describe('linger', () => {
  test('a host that nobody needs is let go, without a word', () => {
    greeted()
    vi.advanceTimersByTime(LINGER_MS - 1)
    expect(port().disconnected).toBe(false)
    vi.advanceTimersByTime(1)
    expect(port().disconnected).toBe(true)
    expect(losses).toEqual([])
    link.send(ack(1))
    expect(ports.length).toBe(2)
  })

  test('begins anew after each use, and never while in use', () => {
    greeted()
    vi.advanceTimersByTime(LINGER_MS - 1)
    link.setInUse(true)
    for (let half = 0; half < 2; half++) {
      vi.advanceTimersByTime(LINGER_MS / 2)
      port().say({ type: 'STREAM_PING', seq: 1 })
    }
    link.setInUse(false)
    vi.advanceTimersByTime(LINGER_MS - 1)
    expect(port().disconnected).toBe(false)
    vi.advanceTimersByTime(1)
    expect(port().disconnected).toBe(true)
  })
})

describe('silence', () => {
  const ping = () => port().say({ type: 'STREAM_PING', seq: 1 })

  test('of a host in use ends the channel after the limit', () => {
    greeted()
    link.setInUse(true)
    vi.advanceTimersByTime(PEER_SILENCE_MS - 1)
    expect(losses).toEqual([])
    vi.advanceTimersByTime(1)
    expect(codes()).toEqual(['HOST_LOST'])
    expect(losses[0]?.message).toContain('45 s')
  })

  test('counts from the last frame', () => {
    greeted()
    link.setInUse(true)
    for (let n = 0; n < 20; n++) {
      vi.advanceTimersByTime(PEER_SILENCE_MS - 1)
      ping()
    }
    expect(losses).toEqual([])
    vi.advanceTimersByTime(PEER_SILENCE_MS)
    expect(codes()).toEqual(['HOST_LOST'])
  })

  test('counts from the first use, because an unused host says nothing', () => {
    greeted()
    vi.advanceTimersByTime(LINGER_MS - 1)
    link.setInUse(true)
    vi.advanceTimersByTime(PEER_SILENCE_MS - 1)
    expect(losses).toEqual([])
  })

  test('is not judged while the host is not in use', () => {
    greeted()
    link.setInUse(true)
    vi.advanceTimersByTime(PEER_SILENCE_MS - 1)
    link.setInUse(false)
    vi.advanceTimersByTime(2)
    expect(losses).toEqual([])
  })

  test('while the machine slept does not count', () => {
    greeted()
    link.setInUse(true)
    vi.advanceTimersByTime(PEER_SILENCE_MS - 1)
    asleepMs = 3_600_000
    vi.advanceTimersByTime(1)
    expect(losses).toEqual([])
    vi.advanceTimersByTime(PEER_SILENCE_MS - 1)
    expect(losses).toEqual([])
    vi.advanceTimersByTime(1)
    expect(codes()).toEqual(['HOST_LOST'])
  })
})

test('an answer that comes with a page waiting is watched from then on', () => {
  link.setInUse(true)
  link.send(ack(1))
  vi.advanceTimersByTime(WELCOME_DEADLINE_MS - 1)
  port().say(welcome())
  vi.advanceTimersByTime(PEER_SILENCE_MS - 1)
  port().say(aborted(1))
  expect(losses).toEqual([])
  vi.advanceTimersByTime(PEER_SILENCE_MS)
  expect(codes()).toEqual(['HOST_LOST'])
})

describe('what the administrator switched off', () => {
  const OFF: Switches = { type: 'SWITCHES', enabled: false }
  const takes = (...names: string[]) => ({ ...welcome(), takes: names })

  test('is told before all that waited for WELCOME', () => {
    switches = { type: 'SWITCHES', enabled: true, pages: ['https://a.example:443'], profile: 'p' }
    link.send(ack(1))
    port().posted.length = 0
    port().say(takes('SWITCHES'))
    expect(port().posted).toEqual([switches, ack(1)])
  })

  test.each([welcome(), takes(), takes('MORE')])('is not told a host that does not take it', (said) => {
    switches = OFF
    link.open()
    port().posted.length = 0
    port().say(said)
    link.tellSwitches()
    expect(port().posted).toEqual([])
    expect(losses).toEqual([])
  })

  test('is told when it changes, once, and when nothing is any more', () => {
    link.open()
    port().say(takes('SWITCHES'))
    port().posted.length = 0
    link.tellSwitches()
    expect(port().posted).toEqual([])
    switches = OFF
    link.tellSwitches()
    link.tellSwitches()
    expect(port().posted).toEqual([OFF])
    switches = null
    link.tellSwitches()
    expect(port().posted).toEqual([OFF, { type: 'SWITCHES', enabled: true }])
  })

  test('is told every host anew, and starts none', () => {
    switches = OFF
    link.tellSwitches()
    expect(ports).toEqual([])
    link.open()
    port().say(takes('SWITCHES'))
    port().end()
    link.open()
    port().posted.length = 0
    port().say(takes('SWITCHES'))
    expect(port().posted).toEqual([OFF])
  })
})
