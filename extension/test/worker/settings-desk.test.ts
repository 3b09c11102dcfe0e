// What the worker tells the writer's settings page.

import { expect, test } from 'vitest'
import type { FromPage } from '../../src/protocol/bridge'
import type { PolicySummary, ProviderOffer } from '../../src/protocol/native'
import type { Peer } from '../../src/worker/bridge'
import { isSettingsPage, originUnder, SettingsDesk } from '../../src/worker/settings-desk'

const EXTENSION = { id: 'abc', origin: 'chrome-extension://abc' }
const GITHUB: ProviderOffer = { name: 'openai', models: ['m'] }

/** Answers what the host would be asked, when the test lets it. */
class FakeBridge {
  readonly asked: Peer[] = []
  readonly gone: Peer[] = []

  fromPage(peer: Peer, message: unknown): void {
    expect((message as FromPage).type).toBe('STATUS_REQUEST')
    this.asked.push(peer)
  }

  pageGone(peer: Peer): void {
    this.gone.push(peer)
  }

  answer(peer: Peer, fields: object): void {
    peer.port.postMessage({ type: 'WAITING', what: 'host' })
    peer.port.postMessage({ type: 'STATUS', request: 1, state: 'ready', destinations: [], ...fields })
  }
}

function opened() {
  const bridge = new FakeBridge()
  const desk = new SettingsDesk(bridge)
  const told: unknown[] = []
  let ask: () => void = () => undefined
  let leave: () => void = () => undefined
  desk.open({
    postMessage: (message) => told.push(message),
    onMessage: {
      addListener: (listener) => {
        ask = () => listener({ type: 'ASK' })
      }
    },
    onDisconnect: {
      addListener: (listener) => {
        leave = listener
      }
    }
  })
  return { bridge, desk, told, ask: () => ask(), leave: () => leave() }
}

const policy = (...writer: string[]) => ({ writer, pages: [], digest: writer.join() }) as unknown as PolicySummary
const originOf = (peer: Peer) => ('page' in peer.identity ? peer.identity.page.origin : null)

test('it asks what the writer itself would be told, once the policy is known', () => {
  const { bridge, desk, told, ask } = opened()
  ask()
  expect(bridge.asked.map(originOf)).toEqual(['null'])
  desk.policyIs(policy('https://github.com', 'https://*.forge.example:*'))
  expect(bridge.asked).toHaveLength(1)
  bridge.answer(bridge.asked[0] as Peer, {})
  expect(bridge.asked.slice(1).map(originOf)).toEqual(['https://github.com', 'https://any.forge.example'])
  for (const { identity } of bridge.asked) expect(identity).toMatchObject({ page: { principal: 'writer' } })
  bridge.answer(bridge.asked[2] as Peer, {})
  expect(told).toEqual([])
  bridge.answer(bridge.asked[1] as Peer, { providers: [GITHUB] })
  expect(told).toEqual([
    {
      state: 'ready',
      fix: '',
      pages: [
        { pattern: 'https://github.com', providers: [GITHUB] },
        { pattern: 'https://*.forge.example:*', providers: [] }
      ]
    }
  ])
})

test('a host that is not there is told with what to do', () => {
  const { bridge, told, ask } = opened()
  ask()
  bridge.answer(bridge.asked[0] as Peer, { state: 'host-missing', fix: 'Run it.' })
  expect(told).toEqual([{ state: 'host-missing', fix: 'Run it.', pages: [] }])
})

test('a policy without a writer is told as such', () => {
  const { bridge, told, ask } = opened()
  ask()
  bridge.answer(bridge.asked[0] as Peer, {})
  expect(told).toEqual([{ state: 'ready', fix: '', pages: [] }])
})

test('another policy is asked about anew, and answers to the last question are none', () => {
  const { bridge, desk, told, ask } = opened()
  ask()
  desk.policyIs(policy('https://github.com'))
  bridge.answer(bridge.asked[0] as Peer, {})
  desk.policyIs(policy())
  bridge.answer(bridge.asked[1] as Peer, { providers: [GITHUB] })
  expect(told).toEqual([])
  bridge.answer(bridge.asked[2] as Peer, {})
  expect(told).toEqual([{ state: 'ready', fix: '', pages: [] }])
})

test('a page that is gone leaves nobody behind', () => {
  const { bridge, desk, told, ask, leave } = opened()
  ask()
  leave()
  expect(bridge.gone).toEqual(bridge.asked)
  desk.policyIs(policy('https://github.com'))
  bridge.answer(bridge.asked[0] as Peer, {})
  expect([bridge.asked.length, told]).toEqual([1, []])
})

test.each([
  ['https://github.com', 'https://github.com'],
  ['https://*.forge.example', 'https://any.forge.example'],
  ['http://localhost:*', 'http://localhost'],
  ['https://forge.example:8443', 'https://forge.example:8443'],
  ['nonsense', 'null']
])('a page of %s is one of %s', (pattern, origin) => {
  expect(originUnder(pattern)).toBe(origin)
})

test('only the settings page itself is heard', () => {
  const url = `${EXTENSION.origin}/settings.html`
  const sender = { id: EXTENSION.id, origin: EXTENSION.origin, url }
  expect(isSettingsPage(sender, EXTENSION)).toBe(true)
  for (const other of [
    { ...sender, id: 'other' },
    { ...sender, origin: 'https://github.com' },
    { ...sender, url: `${EXTENSION.origin}/popup.html` },
    { ...sender, url: 'https://github.com/settings.html' }
  ]) {
    expect(isSettingsPage(other, EXTENSION)).toBe(false)
  }
})
