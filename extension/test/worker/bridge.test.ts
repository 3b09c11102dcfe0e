// Between relays and host: whose stream is whose, and one terminal message for each.

import { beforeEach, describe, expect, test } from 'vitest'
import type { FromPage, Status } from '../../src/protocol/bridge'
import { MAX_STREAMS_PER_TAB_FRAME } from '../../src/protocol/constants'
import type { ErrorCode, Phase } from '../../src/protocol/errors'
import { Admission } from '../../src/worker/admission'
import { Bridge } from '../../src/worker/bridge'
import { MAX_EARLY_MESSAGES } from '../../src/worker/direct-ports'
import { failureOf } from '../../src/worker/failure'
import { Observer } from '../../src/worker/observer'
import { MAX_STATUS_REQUESTS } from '../../src/worker/status'
import { FakeDirectPort, FakeLink, type FakePeer, peerOf, refusedPeer } from './fakes'
import { aborted, chunk, end, error, headers, PAGE, start } from './samples'

let link: FakeLink
let bridge: Bridge
let one: FakePeer
let other: FakePeer

beforeEach(() => {
  link = new FakeLink()
  bridge = new Bridge(link)
  one = peerOf({ tab: 1, document: 'one' })
  other = peerOf({ tab: 2, document: 'other', origin: 'https://other.example.com' })
})

const lost = failureOf('exited', true, 'id')

/** Start a stream; its id on the other side. */
function open(peer: FakePeer, pageId: number): number {
  const before = link.starts.length
  bridge.fromPage(peer, start(pageId))
  const started = link.starts[before]
  if (started === undefined) throw new Error('the host was not told')
  return started.id
}

const abort = (id: number): FromPage => ({ type: 'STREAM_ABORT', id, reason: 'signal' })
const ack = (id: number): FromPage => ({ type: 'STREAM_ACK', id, consumed: 0 })
const failed = (id: number, code: ErrorCode, phase: Phase, says = '') =>
  expect.objectContaining({ type: 'STREAM_ERROR', id, code, phase, message: expect.stringContaining(says) })

describe('a stream', () => {
  test('has ids of its own on either side, and the page that the browser attests', () => {
    const first = open(one, 5)
    const second = open(other, 5)
    expect(first).not.toBe(second)
    expect(link.starts.map(({ page }) => page)).toEqual(
      [one, other].map(({ identity }) => ('page' in identity ? identity.page : null))
    )
    bridge.fromHost(headers(second))
    bridge.fromHost(chunk(second))
    bridge.fromHost(end(first))
    expect(other.port.posted).toEqual([headers(5), { ...chunk(5), data: new Uint8Array([97, 98]) }])
    expect(one.port.posted).toEqual([end(5)])
    bridge.fromPage(other, ack(5))
    expect(link.commands).toEqual([ack(second)])
  })

  test('hears nothing of its grant, by either way, and who looks on does', () => {
    const observer = new Observer()
    const seen: (string | undefined)[] = []
    observer.listen({
      headers: ({ grant }) => seen.push(grant),
      ended: ({ grant }) => seen.push(grant)
    })
    bridge = new Bridge(link, observer)
    const [first, second] = [open(one, 5), open(one, 6)]
    bridge.fromHost({ ...headers(first), grant: 'chat', recordable: false })
    bridge.fromHost({ ...error(second), grant: 'feed' })
    expect(one.port.posted).toStrictEqual([headers(5), error(6)])
    const direct = new FakeDirectPort()
    const token = 'a'.repeat(32)
    bridge.fromPage(one, { type: 'DIRECT_OFFER', token })
    bridge.directPort(token, direct)
    const [third, fourth, fifth] = [open(one, 7), open(one, 8), open(one, 9)]
    bridge.fromHost({ ...headers(third), grant: 'direct' })
    bridge.fromHost({ ...error(fourth), grant: 'refused' })
    expect(direct.posted).toStrictEqual([headers(7), error(8)])
    // It was given up while its head was on the way.
    bridge.fromPage(one, abort(9))
    bridge.fromHost({ ...headers(fifth), grant: 'late' })
    bridge.fromHost(aborted(fifth))
    expect(seen).toEqual(['chat', 'feed', 'direct', 'refused', 'late'])
  })

  test.each([end, error, aborted])('hears nothing after its end (%#)', (terminal) => {
    const id = open(one, 5)
    bridge.fromHost(terminal(id))
    for (const late of [chunk(id), end(id), error(id), aborted(id)]) bridge.fromHost(late)
    bridge.badFromHost(id, false)
    bridge.hostLost(lost)
    expect(one.port.posted).toEqual([terminal(5)])
    bridge.fromPage(one, ack(5))
    bridge.fromPage(one, abort(5))
    expect(link.commands).toEqual([])
  })

  test('that was aborted gets the terminal message that comes, once, and nothing else', () => {
    const id = open(one, 5)
    bridge.fromPage(one, abort(5))
    bridge.fromPage(one, abort(5))
    bridge.fromPage(one, ack(5))
    bridge.fromHost(headers(id))
    bridge.fromHost(chunk(id))
    // It may have been on its way already.
    bridge.fromHost(end(id))
    bridge.fromHost(aborted(id))
    expect(link.commands).toEqual([abort(id)])
    expect(one.port.posted).toEqual([end(5)])
  })

  test.each([false, true])('whose last message is not understood is over all the same (aborted: %s)', (gaveUp) => {
    // An error code that was appended to the list after this extension was built, for one.
    const id = open(one, 5)
    if (gaveUp) bridge.fromPage(one, abort(5))
    bridge.badFromHost(id, true)
    expect(one.port.posted).toEqual([gaveUp ? aborted(5) : failed(5, 'PROTOCOL', 'headers', 'does not understand')])
    // The host says nothing more: a stream that went on waiting for it would make its silence look like its death.
    expect(link.inUse).toBe(false)
  })

  test('of no id that the host was ever told is nobody’s', () => {
    open(one, 5)
    for (const id of [0, 77, -1]) bridge.fromHost(end(id))
    bridge.badFromHost(77, true)
    expect(one.port.posted).toEqual([])
  })

  test('ends with an error if the host’s message about it is none', () => {
    const id = open(one, 5)
    bridge.fromHost(headers(id))
    bridge.badFromHost(id, false)
    bridge.badFromHost(id, false)
    bridge.fromHost(chunk(id))
    bridge.fromHost(aborted(id))
    expect(one.port.posted).toEqual([headers(5), failed(5, 'PROTOCOL', 'body', 'does not understand')])
    expect(link.commands).toEqual([{ type: 'STREAM_ABORT', id, reason: 'refused' }])
    expect(link.inUse).toBe(false)
  })

  test('ends with an error if the host’s bytes are no base64', () => {
    const id = open(one, 5)
    bridge.fromHost(chunk(id, 0, '!!!!'))
    expect(one.port.posted).toEqual([failed(5, 'PROTOCOL', 'headers', 'base64')])
    expect(link.commands).toEqual([{ type: 'STREAM_ABORT', id, reason: 'refused' }])
  })
})

describe('a direct port', () => {
  const offer = (token: string): FromPage => ({ type: 'DIRECT_OFFER', token: token.padEnd(32, '0') })
  let direct: FakeDirectPort

  beforeEach(() => {
    direct = new FakeDirectPort()
  })

  const bring = (token: unknown) => bridge.directPort(typeof token === 'string' ? token.padEnd(32, '0') : token, direct)

  test('carries all that is said once it is there, and a chunk’s memory with it', () => {
    const id = open(one, 5)
    bridge.fromHost(headers(id))
    bridge.fromPage(one, offer('a'))
    bridge.fromHost(chunk(id))
    bring('a')
    bridge.fromHost(chunk(id))
    bridge.fromHost(end(id))
    const bytes = { ...chunk(5), data: new Uint8Array([97, 98]) }
    expect(one.port.posted).toEqual([headers(5), bytes, { type: 'DIRECT_OPEN' }])
    expect(direct.posted).toEqual([bytes, end(5)])
    expect(direct.given).toEqual([[(direct.posted[0] as typeof bytes).data.buffer], []])
  })

  test.each([
    ['one of nobody', 'b'],
    ['no token', 7],
    ['nothing', null]
  ])('of %s is closed', (_, token) => {
    bridge.fromPage(one, offer('a'))
    bring(token)
    expect([direct.closed, one.port.posted]).toEqual([true, []])
  })

  test('comes once by an offer', () => {
    bridge.fromPage(one, offer('a'))
    bring('a')
    direct = new FakeDirectPort()
    bring('a')
    expect([direct.closed, one.port.posted]).toEqual([true, [{ type: 'DIRECT_OPEN' }]])
  })

  test('is of the relay that offered it first, and of its latest offer', () => {
    bridge.fromPage(one, offer('a'))
    bridge.fromPage(other, offer('a'))
    bridge.fromPage(other, offer('b'))
    bridge.fromPage(other, offer('c'))
    bring('b')
    expect(direct.closed).toBe(true)
    direct = new FakeDirectPort()
    bring('a')
    expect([direct.closed, one.port.posted, other.port.posted]).toEqual([false, [{ type: 'DIRECT_OPEN' }], []])
  })

  test('that is there is not offered again', () => {
    bridge.fromPage(one, offer('a'))
    bring('a')
    const first = direct
    bridge.fromPage(one, offer('b'))
    direct = new FakeDirectPort()
    bring('b')
    expect([first.closed, direct.closed]).toEqual([false, true])
  })

  test('is offered in vain by a relay that was dropped', () => {
    bridge.pageGone(one)
    bridge.fromPage(one, offer('a'))
    bring('a')
    expect([direct.closed, one.port.posted]).toEqual([true, []])
  })

  describe('the other way', () => {
    const taken: FromPage = { type: 'DIRECT_TAKEN' }
    const ack = (consumed: number): FromPage => ({ type: 'STREAM_ACK', id: 5, consumed })
    const acks = () => link.commands.map((command) => ('consumed' in command ? command.consumed : command.type))

    beforeEach(() => {
      bridge.fromHost(headers(open(one, 5)))
      bridge.fromPage(one, offer('a'))
      bring('a')
    })

    test('is heard behind all that came by the relay', () => {
      direct.say(ack(2))
      direct.say(ack(3))
      bridge.fromPage(one, ack(1))
      expect(acks()).toEqual([1])
      bridge.fromPage(one, taken)
      direct.say(ack(4))
      expect(acks()).toEqual([1, 2, 3, 4])
    })

    test.each<[string, unknown]>([
      ['a start', start(6)],
      ['an abort', { type: 'STREAM_ABORT', id: 5, reason: 'signal' }],
      ['a question', { type: 'STATUS_REQUEST', request: 1 }],
      ['no message', { type: 'STREAM_ACK', id: 'five' }],
      ['nothing', null]
    ])('takes nothing that asks for something: %s ends the relay', (_, message) => {
      bridge.fromPage(one, taken)
      direct.say(message)
      expect([one.port.disconnected, direct.closed]).toEqual([true, true])
      expect(link.commands).toEqual([{ type: 'STREAM_ABORT', id: expect.any(Number), reason: 'page-gone' }])
      direct.say(ack(1))
      expect(link.commands).toHaveLength(1)
    })

    test('is not kept for ever', () => {
      for (let sent = 0; sent < MAX_EARLY_MESSAGES; sent++) direct.say(ack(sent))
      expect(one.port.disconnected).toBe(false)
      direct.say(ack(0))
      expect(one.port.disconnected).toBe(true)
    })

    test('is of its own page alone', () => {
      open(other, 5)
      bridge.fromPage(other, taken)
      direct.say(ack(1))
      expect(acks()).toEqual([])
      bridge.fromPage(one, taken)
      expect(acks()).toEqual([1])
    })
  })

  test('goes with its page, and an offer too', () => {
    bridge.fromPage(one, offer('a'))
    bring('a')
    bridge.pageGone(one)
    expect(direct.closed).toBe(true)
    direct = new FakeDirectPort()
    bridge.fromPage(other, offer('b'))
    bridge.pageGone(other)
    bring('b')
    expect(direct.closed).toBe(true)
  })
})

describe('a start is refused', () => {
  test('for a frame that can have no grant, without asking the host', () => {
    const nobody = refusedPeer('This frame has an opaque origin.')
    bridge.fromPage(nobody, start(5))
    expect(nobody.port.posted).toEqual([failed(5, 'POLICY_DENIED', 'policy', 'opaque origin')])
    expect([link.sent, link.inUse]).toEqual([[], false])
  })

  test('if the protocol does not carry it, and its id and slot are free', () => {
    bridge.fromPage(one, start(5, { url: 'file:///etc/passwd' }))
    expect(one.port.posted).toEqual([failed(5, 'PROTOCOL', 'policy', 'not file:')])
    expect([link.sent, link.inUse]).toEqual([[], false])
    expect(open(one, 5)).toBeGreaterThan(0)
  })

  test('if too much waits for the host, and its id and slot are free', () => {
    link.takes = false
    bridge.fromPage(one, start(5))
    expect(one.port.posted).toEqual([failed(5, 'LIMIT_EXCEEDED', 'connect')])
    expect(link.inUse).toBe(false)
    link.takes = true
    expect(open(one, 5)).toBeGreaterThan(0)
  })

  test('with an id in use, which ends the stream that has it', () => {
    const id = open(one, 5)
    bridge.fromPage(one, start(5))
    expect(one.port.posted).toEqual([failed(5, 'PROTOCOL', 'headers')])
    expect(link.sent.map(({ type }) => type)).toEqual(['STREAM_START', 'STREAM_ABORT'])
    bridge.fromPage(one, start(5))
    bridge.fromHost(aborted(id))
    expect(one.port.posted.length).toBe(1)
    expect(open(one, 5)).toBeGreaterThan(id)
  })

  test('over the limit of its document, whose slots come back with the host’s last word', () => {
    const twin = peerOf({ tab: 1, document: 'one' })
    const ids = []
    for (let n = 0; n < MAX_STREAMS_PER_TAB_FRAME; n++) ids.push(open(n % 2 ? one : twin, n + 1))
    bridge.fromPage(one, start(1000))
    expect(one.port.posted).toEqual([failed(1000, 'LIMIT_EXCEEDED', 'policy', `${MAX_STREAMS_PER_TAB_FRAME} streams`)])
    expect(open(other, 1)).toBeGreaterThan(0)

    bridge.fromPage(twin, abort(1))
    bridge.fromPage(one, start(1001))
    expect(one.port.posted.at(-1)).toEqual(failed(1001, 'LIMIT_EXCEEDED', 'policy'))
    bridge.fromHost(aborted(ids[0] as number))
    expect(open(one, 1002)).toBeGreaterThan(0)
  })
})

describe('what is no message', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['text', 'STREAM_START'],
    ['a list', []],
    ['a message of the worker', { type: 'STREAM_PONG', seq: 1 }],
    ['an unknown type', { type: 'STREAM_SING' }],
    ['no id', { ...start(5), id: undefined }],
    ['half an id', { ...start(5), id: 0.5 }],
    ['NaN', { ...start(5), id: Number.NaN }],
    ['an id of zero', { ...start(5), id: 0 }],
    ['an id of text', { ...start(5), id: '5' }],
    ['a status question with a page', { type: 'STATUS_REQUEST', request: 1, page: {} }]
  ])('and names no stream cuts the relay off: %s', (_, message) => {
    const id = open(one, 5)
    open(other, 5)
    bridge.fromPage(one, message)
    expect(one.port.disconnected).toBe(true)
    expect(one.port.posted).toEqual([])
    expect(link.commands).toEqual([{ type: 'STREAM_ABORT', id, reason: 'page-gone' }])
    expect([other.port.disconnected, other.port.posted]).toEqual([false, []])
  })

  test.each<[string, unknown]>([
    ['an extra field', { ...ack(5), page: {} }],
    ['an offset of NaN', { ...ack(5), consumed: Number.NaN }],
    ['an unknown type', { type: 'STREAM_SING', id: 5 }],
    ['a message of the host', chunk(5)]
  ])('ends the stream that it names: %s', (_, message) => {
    const id = open(one, 5)
    open(other, 5)
    bridge.fromPage(one, message)
    expect(one.port.posted).toEqual([failed(5, 'PROTOCOL', 'headers')])
    expect(link.commands).toEqual([{ type: 'STREAM_ABORT', id, reason: 'refused' }])
    expect(one.port.disconnected).toBe(false)
    expect(other.port.posted).toEqual([])
  })

  test('but should have been a start is refused as one', () => {
    bridge.fromPage(one, { ...start(5), page: {} })
    expect(one.port.posted).toEqual([failed(5, 'PROTOCOL', 'policy')])
    expect(link.sent).toEqual([])
  })

  test('about a stream that is not this page’s has no effect', () => {
    open(other, 5)
    for (const message of [{ ...ack(5), page: {} }, ack(5), abort(5)]) bridge.fromPage(one, message)
    expect([one.port.posted, other.port.posted, link.commands]).toEqual([[], [], []])
  })
})

describe('a page that is gone', () => {
  test('takes its own streams with it and hears nothing more', () => {
    const [first, second, theirs] = [open(one, 1), open(one, 2), open(other, 1)]
    bridge.fromPage(one, abort(2))
    bridge.pageGone(one)
    expect(link.commands).toEqual([abort(second), { type: 'STREAM_ABORT', id: first, reason: 'page-gone' }])
    for (const id of [first, second]) bridge.fromHost(aborted(id))
    bridge.hostLost(lost)
    expect(one.port.posted).toEqual([])
    expect(other.port.posted).toEqual([failed(1, 'HOST_LOST', 'headers')])
    expect(theirs).toBeGreaterThan(second)
  })

  test('keeps the host in use until its sockets are closed', () => {
    const id = open(one, 1)
    bridge.pageGone(one)
    expect(link.inUse).toBe(true)
    bridge.fromHost(aborted(id))
    expect(link.inUse).toBe(false)
  })

  test('does not start a host anew that is lost while its streams end', () => {
    for (const id of [1, 2, 3]) open(one, id)
    link.before = (message) => {
      if (message.type === 'STREAM_ABORT') bridge.hostLost(lost)
    }
    bridge.pageGone(one)
    expect(link.commands.length).toBe(1)
    expect(link.inUse).toBe(false)
  })

  test('whose port throws costs nobody else anything', () => {
    const [mine, theirs] = [open(one, 1), open(other, 1)]
    one.port.broken = true
    bridge.fromHost(end(mine))
    bridge.fromHost(end(theirs))
    expect(other.port.posted).toEqual([end(1)])
    expect(link.inUse).toBe(false)
  })
})

describe('a host that is lost', () => {
  test('is told to every live stream, by where it had come to', () => {
    const [opened] = [open(one, 1), open(one, 2), open(other, 1)]
    open(one, 3)
    bridge.fromHost(headers(opened))
    bridge.fromPage(one, abort(3))
    bridge.hostLost(lost)
    expect(one.port.posted.slice(1)).toEqual([
      failed(1, 'HOST_LOST', 'body', 'The Longwire host ended'),
      failed(2, 'HOST_LOST', 'headers'),
      // What the page gave up itself is over as it wished.
      aborted(3)
    ])
    expect(other.port.posted).toEqual([failed(1, 'HOST_LOST', 'headers')])
    expect(link.inUse).toBe(false)
  })

  test('in the midst of a start is told once, and the next start works', () => {
    link.before = () => bridge.hostLost(lost)
    bridge.fromPage(one, start(5))
    expect(one.port.posted).toEqual([failed(5, 'HOST_LOST', 'headers')])
    link.before = () => undefined
    expect(open(one, 5)).toBeGreaterThan(0)
    expect(link.inUse).toBe(true)
  })

  test('leaves no way back for what it had', () => {
    const id = open(one, 1)
    bridge.hostLost(lost)
    const next = open(one, 1)
    expect(next).not.toBe(id)
    bridge.fromHost(end(id))
    bridge.fromHost(headers(next))
    expect(one.port.posted.slice(1)).toEqual([headers(1)])
  })
})

describe('a command that cannot be sent', () => {
  test('ends its stream', () => {
    open(one, 5)
    link.takes = false
    bridge.fromPage(one, ack(5))
    expect(one.port.posted).toEqual([failed(5, 'LIMIT_EXCEEDED', 'headers')])
    bridge.fromPage(one, ack(5))
    expect(one.port.posted.length).toBe(1)
  })
})

describe('a status question', () => {
  test('that waits for the host to start says so', () => {
    link.starting = true
    bridge.fromPage(one, { type: 'STATUS_REQUEST', request: 7 })
    expect(one.port.posted).toEqual([{ type: 'WAITING', what: 'host' }])
    link.starting = false
    bridge.fromPage(other, { type: 'STATUS_REQUEST', request: 7 })
    expect(other.port.posted).toEqual([])
  })

  const ask = (request: number): FromPage => ({ type: 'STATUS_REQUEST', request })
  const status = (request: number): Status => ({ type: 'STATUS', request, state: 'ready', destinations: [] })

  test('is asked in the page’s name and answered under its number', () => {
    bridge.fromPage(one, ask(7))
    bridge.fromPage(other, ask(7))
    const questions = link.sent.filter((message) => message.type === 'STATUS_REQUEST')
    expect(questions.map(({ page }) => page.document)).toEqual(['one', 'other'])
    expect(link.inUse).toBe(true)
    bridge.fromHost(status(questions[1]?.request as number))
    bridge.fromHost(status(questions[1]?.request as number))
    expect([one.port.posted, other.port.posted]).toEqual([[], [status(7)]])
    bridge.fromHost(status(questions[0]?.request as number))
    expect(link.inUse).toBe(false)
  })

  test('of a frame that can have no grant is answered at once', () => {
    const nobody = refusedPeer('This frame has an opaque origin.')
    bridge.fromPage(nobody, ask(7))
    expect(nobody.port.posted).toEqual([{ ...status(7), fix: 'This frame has an opaque origin.' }])
    expect(link.sent).toEqual([])
  })

  test('is answered by what became of the host', () => {
    bridge.fromPage(one, ask(7))
    bridge.hostLost(failureOf('not-found', false, 'id'))
    expect(one.port.posted).toEqual([
      { ...status(7), state: 'host-missing', fix: expect.stringContaining('longwire install') }
    ])
    expect(link.inUse).toBe(false)
  })

  test.each([0, 1])('beside those of the limit and %d', (over) => {
    const id = open(one, 5)
    for (let n = 0; n < MAX_STATUS_REQUESTS + over; n++) bridge.fromPage(one, ask(n + 1))
    expect(link.sent.filter(({ type }) => type === 'STATUS_REQUEST')).toHaveLength(MAX_STATUS_REQUESTS)
    const fix = expect.stringContaining(`${MAX_STATUS_REQUESTS} times`)
    expect(one.port.posted).toEqual(over === 0 ? [] : [{ ...status(MAX_STATUS_REQUESTS + 1), fix }])
    // It costs the page that one answer and nothing else.
    bridge.fromPage(other, ask(1))
    bridge.fromHost(end(id))
    expect(one.port.posted.at(-1)).toEqual(end(5))
    expect([one.port.disconnected, other.port.disconnected, other.port.posted]).toEqual([false, false, []])
  })

  test('of a page that is gone is answered to nobody', () => {
    bridge.fromPage(one, ask(7))
    bridge.pageGone(one)
    expect(link.inUse).toBe(false)
    bridge.fromHost(status(1))
    expect(one.port.posted).toEqual([])
  })

  test('that cannot be sent is answered, and the page’s streams go on', () => {
    const id = open(one, 5)
    link.takes = false
    bridge.fromPage(one, ask(7))
    const fix = expect.stringContaining('wait for the host to start')
    expect(one.port.posted).toEqual([{ ...status(7), state: 'host-failed', fix }])
    expect([one.port.disconnected, link.inUse]).toEqual([false, true])
    bridge.fromHost(end(id))
    expect(one.port.posted.at(-1)).toEqual(end(5))
    expect(link.inUse).toBe(false)
  })
})

describe('what the administrator of the browser refuses', () => {
  let refusal: string | null

  beforeEach(() => {
    refusal = 'no'
    const admission = new Admission({
      refusal: (origin) => (origin === 'https://other.example.com' ? refusal : null)
    })
    bridge = new Bridge(link, undefined, admission)
  })

  test('never reaches the host', () => {
    bridge.fromPage(other, start(5))
    bridge.fromPage(other, { type: 'STATUS_REQUEST', request: 7 })
    expect(link.starts).toEqual([])
    expect(other.port.posted).toEqual([
      failed(5, 'POLICY_DENIED', 'policy', 'no'),
      { type: 'STATUS', request: 7, state: 'ready', destinations: [], fix: 'no' }
    ])
    open(one, 5)
  })

  test('ends when it is refused from now on, and nothing else does', () => {
    refusal = null
    const served = open(one, 5)
    const stream = open(other, 5)
    refusal = 'no more'
    bridge.judgeAgain()
    expect(other.port.posted).toEqual([failed(5, 'POLICY_DENIED', 'headers', 'no more')])
    expect(link.commands).toEqual([{ type: 'STREAM_ABORT', id: stream, reason: 'refused' }])
    bridge.fromHost(end(served))
    expect(one.port.posted).toEqual([end(5)])
  })

  test('is one reason; that a relay is not served is another, which costs nobody else on its origin', () => {
    let allowed = true
    const withheld = { ...peerOf({ tab: 3, document: 'withheld' }), refusal: () => (allowed ? null : 'not allowed') }
    const [mine, theirs] = [open(withheld, 5), open(one, 5)]
    allowed = false
    bridge.judgeAgain()
    bridge.fromPage(withheld, start(6))
    bridge.fromPage(withheld, { type: 'STATUS_REQUEST', request: 7 })
    expect(withheld.port.posted).toEqual([
      failed(5, 'POLICY_DENIED', 'headers', 'not allowed'),
      failed(6, 'POLICY_DENIED', 'policy', 'not allowed'),
      { type: 'STATUS', request: 7, state: 'ready', destinations: [], fix: 'not allowed' }
    ])
    expect(link.commands).toEqual([{ type: 'STREAM_ABORT', id: mine, reason: 'refused' }])
    bridge.fromHost(end(theirs))
    expect(one.port.posted).toEqual([end(5)])
  })

  test('ends once, also if the host is lost on the first of them', () => {
    refusal = null
    open(other, 5)
    open(other, 6)
    refusal = 'no more'
    link.before = () => bridge.hostLost(lost)
    bridge.judgeAgain()
    expect(other.port.posted).toEqual([
      failed(5, 'POLICY_DENIED', 'headers', 'no more'),
      failed(6, 'HOST_LOST', 'headers')
    ])
  })
})

describe('the writer', () => {
  const WRITER = { principal: 'writer' } as const

  test('what it asks for is stamped as its own, and what a page asks for never is, whatever its messages hold', () => {
    const writer = peerOf(WRITER)
    const page = peerOf()
    bridge.fromPage(writer, start(1))
    bridge.fromPage(page, start(1))
    expect(link.starts.map(({ page: { principal } }) => principal)).toEqual(['writer', undefined])
    for (const forged of [WRITER, { page: { ...PAGE, ...WRITER } }, { name: 'longwire-writer' }]) {
      bridge.fromPage(page, { ...start(2), ...forged })
      bridge.fromPage(page, { type: 'STATUS_REQUEST', request: 1, ...forged })
    }
    expect(link.starts).toHaveLength(2)
    expect(JSON.stringify(link.sent).match(/writer/g)).toHaveLength(1)
  })

  test('neither has an id of the other’s, nor of its places', () => {
    const writer = peerOf(WRITER)
    const page = peerOf()
    for (let id = 1; id <= MAX_STREAMS_PER_TAB_FRAME; id++) bridge.fromPage(page, start(id))
    bridge.fromPage(writer, start(1))
    expect(link.starts).toHaveLength(MAX_STREAMS_PER_TAB_FRAME + 1)
    bridge.fromPage(page, { type: 'STREAM_ABORT', id: MAX_STREAMS_PER_TAB_FRAME + 1, reason: 'signal' })
    expect(link.commands).toEqual([])
    bridge.fromPage(writer, { type: 'STREAM_ABORT', id: 1, reason: 'signal' })
    expect(link.commands).toEqual([{ type: 'STREAM_ABORT', id: MAX_STREAMS_PER_TAB_FRAME + 1, reason: 'signal' }])
  })
})
