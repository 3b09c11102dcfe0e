// What the worker stamps on a request, for the host to decide by: no message of a page or its relay brings any of it.

import { beforeEach, expect, test } from 'vitest'
import type { StreamStartFields } from '../../src/protocol/bridge'
import { isFromPage } from '../../src/protocol/guards'
import { Bridge } from '../../src/worker/bridge'
import { startToHost } from '../../src/worker/translate'
import { FakeLink, type FakePeer, peerOf } from './fakes'
import { PAGE, start } from './samples'

const FORGED = 'forged'
/** By the name of what is claimed: all that a STREAM_START of the worker has beside that of a page. */
const CLAIMS: Record<string, Record<string, unknown>> = {
  page: { page: { ...PAGE, origin: `https://${FORGED}.example` } },
  'the page’s principal': { page: { ...PAGE, document: FORGED, principal: 'writer' } },
  'the page’s profile': { page: { ...PAGE, profile: FORGED } },
  kind: { kind: FORGED },
  principal: { principal: 'writer', origin: FORGED },
  profile: { profile: FORGED },
  'nothing, under these names': { page: undefined, kind: undefined, principal: undefined, profile: undefined }
}
const MESSAGES = {
  start: start(2),
  status: { type: 'STATUS_REQUEST', request: 1 },
  body: { type: 'STREAM_BODY', id: 1, offset: 0, data: new Uint8Array(1) },
  'body end': { type: 'STREAM_BODY_END', id: 1, bytes: 0 },
  acknowledgement: { type: 'STREAM_ACK', id: 1, consumed: 0 },
  abort: { type: 'STREAM_ABORT', id: 1, reason: 'signal' }
} as const

let link: FakeLink
let bridge: Bridge
let page: FakePeer

beforeEach(() => {
  link = new FakeLink()
  bridge = new Bridge(link)
  page = peerOf()
  bridge.fromPage(page, start(1))
  link.sent.length = 0
})

test.each(Object.entries(MESSAGES))('without a claim it goes on: %s', (_name, message) => {
  expect(isFromPage(message)).toBe(true)
  bridge.fromPage(page, message)
  expect(link.sent.map(({ type }) => type)).toEqual([message.type])
})

const cases = Object.entries(MESSAGES).flatMap(([name, message]) =>
  Object.entries(CLAIMS).map(([claim, fields]) => [name, claim, { ...message, ...fields }] as const)
)

test.each(cases)('a %s that claims %s is none', (_name, _claim, message) => {
  expect(isFromPage(message)).toBe(false)
  bridge.fromPage(page, message)
  // At most that the stream which it names is over, or all of a page that names none.
  for (const told of link.sent)
    expect(told).toEqual({
      type: 'STREAM_ABORT',
      id: expect.any(Number),
      reason: expect.stringMatching(/^(refused|page-gone)$/)
    })
})

test.each([
  ['body', { body: { kind: 'none', ...CLAIMS['principal'] } }],
  ['timeouts', { timeouts: { ...CLAIMS['profile'] } }]
])('a start that claims it in its %s is none', (_name, changes) => {
  expect(isFromPage({ ...start(2), ...changes })).toBe(false)
})

test.each(Object.entries(CLAIMS))(
  'were it taken for a start all the same, it would say nothing: %s',
  (_claim, fields) => {
    const honest = startToHost(start(2), 9, PAGE)
    expect(startToHost({ ...start(2), ...fields } as StreamStartFields, 9, PAGE)).toStrictEqual(honest)
    expect(honest.page).toBe(PAGE)
    expect(Object.keys(honest).sort()).toEqual([...Object.keys(start(2)), 'page'].sort())
  }
)
