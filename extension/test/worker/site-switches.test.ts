// What a person switched off for a site: only ever less than the policy, kept where no page gets at it, and told by name.

import { beforeEach, expect, test } from 'vitest'
import { FEATURES } from '../../src/shared/site-switches'
import { Admission } from '../../src/worker/admission'
import { Bridge } from '../../src/worker/bridge'
import { SITE_SWITCHES, SiteSwitches } from '../../src/worker/site-switches'
import { FakeLink, type FakePeer, peerOf } from './fakes'
import { PAGE, start } from './samples'

let kept: Record<string, unknown>
let link: FakeLink
let bridge: Bridge
let switches: SiteSwitches
let one: FakePeer

const storage = {
  get: async (key: string) => ({ [key]: kept[key] }),
  set: async (items: Record<string, unknown>) => {
    kept = { ...kept, ...structuredClone(items) }
  }
}
const known = (of: SiteSwitches) => new Promise<void>((resolve) => of.whenKnown(resolve))

async function remade(isPrivate = false): Promise<void> {
  link = new FakeLink()
  switches = new SiteSwitches(storage, isPrivate, () => bridge.judgeAgain())
  const admission = new Admission({
    refusal: (origin) => switches.refusal(origin),
    switchedOff: (origin, asked) => switches.refusalOf(origin, asked),
    profile: () => 'profile'
  })
  bridge = new Bridge(link, undefined, admission)
  one = peerOf({ tab: 1, document: 'one' })
  await known(switches)
}

beforeEach(async () => {
  kept = {}
  await remade()
})

const refusals = () => one.port.posted.filter((message) => message.type === 'STREAM_ERROR')

const ASKS = {
  fetch: start(1),
  websocket: { ...start(1), url: 'wss://api.example.com/' },
  generate: { ...start(1), method: 'POST', url: 'longwire:generate' },
  durable: { ...start(1), durable: { key: 'k' } }
} as const

test.each(Object.keys(ASKS) as (keyof typeof ASKS)[])(
  '%s is refused, by a typed error that names the popup',
  async (which) => {
    await switches.set(PAGE.origin, which, false)
    bridge.fromPage(one, ASKS[which])
    expect(link.starts).toEqual([])
    expect(refusals()).toEqual([
      expect.objectContaining({ code: 'POLICY_DENIED', phase: 'policy', message: expect.stringContaining('popup') })
    ])
    await switches.set(PAGE.origin, which, true)
    bridge.fromPage(one, { ...ASKS[which], id: 2 })
    expect(refusals()).toHaveLength(1)
  }
)

test.each(Object.keys(ASKS) as (keyof typeof ASKS)[])('%s goes on while all the others are off', async (which) => {
  for (const other of FEATURES) if (other !== which) await switches.set(PAGE.origin, other, false)
  expect(switches.refusalOf(PAGE.origin, { url: ASKS[which].url, durable: false }) === null).toBe(which !== 'durable')
})

test('Longwire as a whole is off for that origin, its frames elsewhere and its writer included, and for no other', async () => {
  await switches.set(PAGE.origin, 'all', false)
  const writer = peerOf({ tab: 1, document: 'one', principal: 'writer' })
  for (const peer of [one, writer]) bridge.fromPage(peer, start(1))
  bridge.fromPage(one, { type: 'STATUS_REQUEST', request: 3 })
  expect(link.sent).toEqual([])
  expect(one.port.posted.at(-1)).toMatchObject({ type: 'STATUS', fix: expect.stringContaining('switched off') })
  const other = peerOf({ tab: 2, document: 'other', origin: 'https://other.example.com' })
  bridge.fromPage(other, start(1))
  expect(link.starts).toHaveLength(1)
})

test('streams that run end when theirs is switched off, and others do not', async () => {
  bridge.fromPage(one, ASKS.fetch)
  bridge.fromPage(one, { ...ASKS.websocket, id: 2 })
  await switches.set(PAGE.origin, 'websocket', false)
  expect(refusals()).toEqual([expect.objectContaining({ id: 2, code: 'POLICY_DENIED' })])
  expect(link.commands).toEqual([expect.objectContaining({ type: 'STREAM_ABORT', id: link.starts[1]?.id })])
})

test('recording is a switch of its own', async () => {
  await switches.set(PAGE.origin, 'record', false)
  expect([switches.recordable(PAGE.origin), switches.recordable('https://other.example.com')]).toEqual([false, true])
  bridge.fromPage(one, ASKS.fetch)
  expect(refusals()).toEqual([])
})

test('it is kept over a start of the worker, and nothing is where all is on again', async () => {
  await switches.set(PAGE.origin, 'fetch', false)
  await remade()
  expect(switches.offAt(PAGE.origin)).toEqual(['fetch'])
  await switches.set(PAGE.origin, 'fetch', true)
  expect(kept).toEqual({ [SITE_SWITCHES]: {} })
})

test('a private window keeps nothing, and heeds what is kept', async () => {
  await switches.set('https://usual.example.com', 'all', false)
  const before = structuredClone(kept)
  await remade(true)
  await switches.set(PAGE.origin, 'all', false)
  expect(switches.refusal(PAGE.origin)).toContain('switched off')
  expect(switches.refusal('https://usual.example.com')).toContain('switched off')
  expect(kept).toEqual(before)
})

test.each([null, 7, 'all', { [PAGE.origin]: 'all' }, { [PAGE.origin]: ['everything', 3] }, []])(
  'what no version wrote switches nothing off (%#)',
  async (stored) => {
    kept = { [SITE_SWITCHES]: stored }
    await remade()
    expect(switches.offAt(PAGE.origin)).toEqual([])
  }
)
