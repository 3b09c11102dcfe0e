// Questions about the status: however many a page asks, one is on its way.

import { beforeEach, expect, test } from 'vitest'
import { Shim } from '../../src/page/shim'
import type { FromPage } from '../../src/protocol/bridge'
import { delivered } from '../messaging'

const LOST = { type: 'BRIDGE_LOST', message: 'gone', replaced: false } as const

let told: FromPage[]
let relay: MessagePort
let shim: Shim

beforeEach(() => {
  told = []
  shim = new Shim(() => undefined)
  attach()
})

function attach(): void {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = ({ data }) => told.push(data)
  relay = port1
  shim.channel.attach(port2)
}

/** Answer the last question. */
function answer(host: string): void {
  const { request } = told.at(-1) as Extract<FromPage, { type: 'STATUS_REQUEST' }>
  relay.postMessage({ type: 'STATUS', request, state: 'ready', host, destinations: ['https://api.example.com/'] })
}

test('a hundred calls at once are two questions: the one that was open, and one for all that came after it', async () => {
  const calls = Array.from({ length: 100 }, () => shim.status())
  await delivered()
  expect(told).toHaveLength(1)
  answer('first')
  await delivered()
  expect(told).toHaveLength(2)
  answer('second')
  const hosts = (await Promise.all(calls)).map(({ host }) => host)
  expect(hosts).toEqual(['first', ...Array(99).fill('second')])
  await delivered()
  expect(told).toHaveLength(2)
})

test('a call after the last answer asks again, also without a stream in between', async () => {
  for (const host of ['a', 'b']) {
    const asked = shim.status()
    await delivered()
    answer(host)
    expect(await asked).toMatchObject({ host })
  }
})

test('each caller has a report of its own', async () => {
  const calls = [shim.status(), shim.status(), shim.status()]
  for (let question = 0; question < 2; question++) {
    await delivered()
    answer('a')
  }
  const [, one, other] = await Promise.all(calls)
  one?.destinations.push('https://mine.example.com/')
  expect(other).toEqual({ state: 'ready', host: 'a', destinations: ['https://api.example.com/'] })
})

test('each report is its own all through, and takes nothing from what a page put into the prototypes', async () => {
  const calls = [shim.status(), shim.status(), shim.status()]
  const providers = () => [{ name: 'openai', models: ['gpt-5*', 'o4-mini'] }]
  const obstacles = () => [{ destinations: [], providers: ['openai'], code: 'SECRET_UNAVAILABLE', message: 'm' }]
  const status = { type: 'STATUS', state: 'ready', destinations: [], providers: providers(), obstacles: obstacles() }
  const polluted = { models: ['*'], providers: 'mine' }
  const taken: unknown[] = []
  for (const [name, value] of Object.entries(polluted)) {
    const accessor = { get: () => value, set: (given: unknown) => taken.push(given), configurable: true }
    Object.defineProperty(Object.prototype, name, accessor)
  }
  try {
    for (let question = 0; question < 2; question++) {
      await delivered()
      const { request } = told.at(-1) as Extract<FromPage, { type: 'STATUS_REQUEST' }>
      relay.postMessage({ ...status, request })
    }
    const [, one, other] = await Promise.all(calls)
    one?.providers?.[0]?.models.push('mine')
    one?.providers?.push({ name: 'mine', models: [] })
    one?.obstacles?.[0]?.providers?.push('mine')
    expect(other?.providers).toEqual(providers())
    expect(other?.obstacles).toEqual(obstacles())
    expect(taken).toEqual([])
  } finally {
    for (const name of Object.keys(polluted)) Reflect.deleteProperty(Object.prototype, name)
  }
})

test('a question that a lost bridge had is asked again, with those that came after it', async () => {
  const calls = [shim.status(), shim.status()]
  await delivered()
  relay.postMessage(LOST)
  await delivered()
  expect(told).toHaveLength(2)
  const [first, second] = told as Extract<FromPage, { type: 'STATUS_REQUEST' }>[]
  expect(second?.request).not.toBe(first?.request)
  answer('again')
  expect((await Promise.all(calls)).map(({ host }) => host)).toEqual(['again', 'again'])
})

test('a bridge that is lost twice fails every call, and the next one asks', async () => {
  for (let round = 1; round <= 2; round++) {
    const calls = [shim.status(), shim.status()]
    await delivered()
    relay.postMessage(LOST)
    await delivered()
    relay.postMessage(LOST)
    const failures = await Promise.all(calls.map((call) => call.catch((error: unknown) => error)))
    expect(failures).toMatchObject([{ code: 'BRIDGE_LOST' }, { code: 'BRIDGE_LOST' }])
    expect(told).toHaveLength(2 * round)
  }
  // The answer comes all the same, and is nobody's.
  answer('late')
  const again = shim.status()
  await delivered()
  expect(told).toHaveLength(5)
  answer('again')
  expect(await again).toMatchObject({ host: 'again' })
})

test.each([
  ['lost', () => relay.postMessage(LOST)],
  ['restored', () => shim.restored()]
])('a direct port is not heard after the bridge was %s', async (_, lose) => {
  const { port1, port2 } = new MessageChannel()
  relay.postMessage({ type: 'DIRECT_OPEN' }, [port2])
  await delivered()
  lose()
  await delivered()
  let answered = false
  const asked = shim.status().then(() => {
    answered = true
  })
  await delivered()
  const { request } = told.at(-1) as Extract<FromPage, { type: 'STATUS_REQUEST' }>
  port1.postMessage({ type: 'STATUS', request, state: 'ready', host: 'late', destinations: [] })
  await delivered()
  expect(answered).toBe(false)
  answer('again')
  await asked
})

test('calls that wait for a relay ask together when it comes', async () => {
  relay.postMessage({ ...LOST, replaced: true })
  await delivered()
  const calls = [shim.status(), shim.status(), shim.status()]
  shim.restored()
  await delivered()
  expect(told).toEqual([])
  attach()
  await delivered()
  expect(told).toHaveLength(1)
  answer('new')
  expect((await Promise.all(calls)).map(({ host }) => host)).toEqual(['new', 'new', 'new'])
})

test('a call that is not answered in a second says what it waits for, as the worker said it last; the next goes on', async () => {
  const waiting = ['extension', 'settings', 'host'] as const
  for (const what of waiting) {
    const asked = shim.status()
    if (what !== 'extension') relay.postMessage({ type: 'WAITING', what })
    expect(await asked).toEqual({
      state: 'starting',
      waiting: what,
      destinations: [],
      fix: expect.stringContaining('Ask again')
    })
  }
  // The question is still the first one; a call that came after it asks anew.
  expect(told).toHaveLength(1)
  const last = shim.status()
  answer('first')
  await delivered()
  answer('second')
  expect(await last).toMatchObject({ state: 'ready', host: 'second' })
})

test('who needs the answer itself waits for it', async () => {
  let settled = false
  const patient = shim.finalStatus().then((report) => {
    settled = true
    return report
  })
  expect(await shim.status()).toMatchObject({ state: 'starting' })
  expect(settled).toBe(false)
  answer('slow')
  expect(await patient).toMatchObject({ state: 'ready', host: 'slow' })
})
