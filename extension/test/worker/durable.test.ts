// What the worker says of durable requests, and what it refuses before a host hears of it.

import { beforeEach, expect, test } from 'vitest'
import type { StreamStartFields } from '../../src/protocol/bridge'
import { MAX_FRAME_TO_HOST, MAX_URL_CHARS } from '../../src/protocol/constants'
import { isFromPage } from '../../src/protocol/guards'
import type { Page } from '../../src/protocol/native'
import { Admission } from '../../src/worker/admission'
import { Bridge } from '../../src/worker/bridge'
import { isDesk, needsProfile } from '../../src/worker/durable'
import { Refused, startToHost } from '../../src/worker/translate'
import { FakeLink, peerOf } from './fakes'
import { PAGE, start } from './samples'

const DURABLE = { durable: { key: 'answer-42' } }
const PROFILE = 'b7c1f2d0-7c3c-4f0e-9a3e-1f5d0a6c2b11'

let link: FakeLink
let bridge: Bridge
let profile: string | null

beforeEach(() => {
  link = new FakeLink()
  profile = PROFILE
  bridge = new Bridge(link, undefined, new Admission({ profile: () => profile }))
})

function ask(changes: Partial<StreamStartFields>, page: Partial<Page> = {}) {
  const peer = peerOf(page)
  bridge.fromPage(peer, start(5, changes))
  return peer.port.posted
}

test('the profile is stamped where a request is durable or asks about one, and nowhere else', () => {
  ask(DURABLE)
  ask({ url: 'longwire:durable' })
  ask({ url: 'longwire:durable/answer-42?offset=7', method: 'GET' })
  ask({})
  ask({ url: 'longwire:generate', ...DURABLE })
  const told = link.starts.map(({ page, kind, durable }) => [page.profile, kind, durable?.key])
  expect(told).toEqual([
    [PROFILE, undefined, 'answer-42'],
    [PROFILE, 'durable', undefined],
    [PROFILE, 'durable', undefined],
    [undefined, undefined, undefined],
    [PROFILE, 'generation', 'answer-42']
  ])
  expect(Object.keys(link.starts[3]?.page ?? {})).not.toContain('profile')
})

test.each([
  ['a private window', { private: true }, 'private window'],
  ['a frame', { frame: 3 }, 'frame'],
  ['the writer', { principal: 'writer' }, 'writer']
] as const)('%s is refused before the host hears of it', (_, page, says) => {
  for (const changes of [DURABLE, { url: 'longwire:durable' }]) {
    const posted = ask(changes, page)
    expect(posted).toMatchObject([{ type: 'STREAM_ERROR', id: 5, code: 'POLICY_DENIED', retryable: false }])
    expect(posted[0]).toHaveProperty('message', expect.stringContaining(says))
    expect(needsProfile(start(5, changes), { ...PAGE, ...page })).toBe(false)
  }
  expect(link.sent).toEqual([])
})

test('without a profile there is nothing to find a request again by', () => {
  profile = null
  expect(ask(DURABLE)).toMatchObject([{ code: 'HOST_UNAVAILABLE', phase: 'connect' }])
  expect(link.sent).toEqual([])
})

test.each([
  ['a WebSocket', { url: 'wss://a.example/' }],
  ['the desk', { url: 'longwire:durable/a' }],
  ['a stream without a size', { method: 'POST', body: { kind: 'stream' } }]
] as const)('%s cannot be durable', (_, changes) => {
  expect(ask({ ...DURABLE, ...changes } as Partial<StreamStartFields>)).toMatchObject([{ code: 'PROTOCOL' }])
  expect(link.sent).toEqual([])
})

test('a body with a size can, and the offset goes along', () => {
  const durable = { key: 'a', offset: 81_920 }
  ask({ method: 'POST', body: { kind: 'stream', size: 7 }, durable })
  expect(link.starts[0]?.durable).toEqual(durable)
})

test('a page stamps no profile of its own', () => {
  expect(isFromPage(start(5, DURABLE))).toBe(true)
  expect(isFromPage({ ...start(5, DURABLE), profile: 'mine' })).toBe(false)
  expect(isFromPage({ ...start(5), durable: { key: 'a', profile: 'mine' } })).toBe(false)
})

test.each(['', 'a'.repeat(129), 'a\ud800'])('no key that a frame could not carry passes (%#)', (key) => {
  expect(isFromPage(start(5, { durable: { key } }))).toBe(false)
})

test.each([
  'longwire:durable',
  'longwire:durable/answer-42',
  "longwire:durable/!'()*~-._%2F%20%E2%82%AC",
  'longwire:durable/a?offset=now&live=sse'
])('%s is the desk', (url) => {
  expect(isDesk(url)).toBe(true)
  expect(startToHost(start(1, { url }), 1, PAGE).url).toBe(url)
})

test.each([
  'longwire:durable/',
  'longwire:durable?a',
  'longwire:durable/a/b',
  'longwire:durable/a#b',
  'longwire:durable/a b',
  'longwire:durable/ä',
  'longwire:durable/a\n',
  'longwire:durables',
  'longwire:durable-x/a',
  'Longwire:durable',
  'longwire://durable/a',
  'longwire:other'
])('%j is nobody', (url) => {
  expect(isDesk(url)).toBe(false)
  expect(() => startToHost(start(1, { url }), 1, PAGE)).toThrow(Refused)
})

test('an address of the desk has the length of any other at most', () => {
  const url = `longwire:durable/${'a'.repeat(MAX_URL_CHARS)}`
  expect(() => startToHost(start(1, { url }), 1, PAGE)).toThrow(`the limit is ${MAX_URL_CHARS}`)
})

test('the key counts for the frame that it goes in', () => {
  const key = '\u{10ffff}'.repeat(128)
  const sent = startToHost(start(1, { durable: { key } }), 1, PAGE, PROFILE)
  expect(new TextEncoder().encode(JSON.stringify(sent)).length).toBeLessThan(MAX_FRAME_TO_HOST)
})
