// The relay moves messages between two ports, and says so when one of them is lost.

import { beforeEach, describe, expect, test } from 'vitest'
import type { Port } from '../../src/platform/platform'
import type { DirectOffer } from '../../src/relay/direct-port'
import { CHUNKS_BEFORE_DIRECT, Relay, type RelayWorld } from '../../src/relay/relay'
import { delivered } from '../messaging'

class FakeWorkerPort implements Port {
  readonly posted: unknown[] = []
  disconnected = false
  throws: Error | null = null
  readonly #listeners = { message: [] as ((message: unknown) => void)[], disconnect: [] as (() => void)[] }
  readonly onMessage = { addListener: (listener: (message: unknown) => void) => this.#listeners.message.push(listener) }
  readonly onDisconnect = { addListener: (listener: () => void) => this.#listeners.disconnect.push(listener) }

  postMessage(message: unknown): void {
    if (this.throws !== null) throw this.throws
    this.posted.push(message)
  }

  disconnect(): void {
    if (this.throws !== null) throw this.throws
    this.disconnected = true
  }

  say(message: unknown): void {
    for (const listener of this.#listeners.message) listener(message)
  }

  end(): void {
    for (const listener of this.#listeners.disconnect) listener()
  }
}

const INVALIDATED = new Error('Extension context invalidated.')

let workers: FakeWorkerPort[]
let orphaned: boolean
let offers: (DirectOffer & { readonly inVain: () => void; readonly log: string[] })[]
let offering: boolean
let relay: Relay
let page: MessagePort
let heard: unknown[]

const world: RelayWorld = {
  connect: () => {
    if (orphaned) throw INVALIDATED
    const worker = new FakeWorkerPort()
    workers.push(worker)
    return worker
  },
  orphaned: () => orphaned,
  offerDirectPort: (inVain) => {
    const { port2: shimPort } = new MessageChannel()
    const offer = {
      token: `token ${offers.length}`,
      shimPort,
      inVain,
      log: [] as string[],
      send: () => void offer.log.push(`sent, ${worker().posted.length} messages to the worker before`),
      withdraw: () => void offer.log.push('withdrawn')
    }
    offers.push(offer)
    return offering ? offer : null
  }
}

beforeEach(() => {
  workers = []
  orphaned = false
  offers = []
  offering = false
  const heardNow: unknown[] = [] // what a test leaves under way is not the next one's
  heard = heardNow
  relay = new Relay(world)
  page = relay.shimPort
  page.onmessage = ({ data }) => heardNow.push(data)
})

async function say(...messages: unknown[]): Promise<void> {
  for (const message of messages) page.postMessage(message)
  await delivered()
}

const worker = (index = workers.length - 1) => workers[index] as FakeWorkerPort
const bridgeLost = (replaced: boolean) => ({
  type: 'BRIDGE_LOST',
  replaced,
  message: expect.stringContaining(replaced ? 'reload the page' : 'connects again')
})

test('a page that says nothing wakes nobody', async () => {
  await delivered()
  expect(workers).toEqual([])
})

test('what the page says goes on as it is, all through one port, in order', async () => {
  await say({ any: 'thing' }, 7, null)
  expect(workers.length).toBe(1)
  expect(worker().posted).toEqual([{ any: 'thing' }, 7, null])
})

test('what the worker says goes on as it is', async () => {
  await say(1)
  worker().say({ type: 'STREAM_END', id: 3 })
  worker().say({ type: 'STATUS', request: 1 })
  await delivered()
  expect(heard).toEqual([
    { type: 'STREAM_END', id: 3 },
    { type: 'STATUS', request: 1 }
  ])
})

test('bytes are given away, not copied', async () => {
  await say(1)
  const data = new Uint8Array([1, 2, 3])
  worker().say({ type: 'STREAM_CHUNK', id: 3, offset: 0, data })
  await delivered()
  expect(data.byteLength).toBe(0)
  expect(heard).toEqual([{ type: 'STREAM_CHUNK', id: 3, offset: 0, data: new Uint8Array([1, 2, 3]) }])
})

describe('a direct port', () => {
  const chunk = (offset: number) => ({ type: 'STREAM_CHUNK', id: 3, offset, data: new Uint8Array([1]) })
  const chunks = Array.from({ length: CHUNKS_BEFORE_DIRECT }, (_, offset) => chunk(offset))

  /** As many chunks as make a page one that streams. Their bytes are given away. */
  function stream(): void {
    for (let offset = 0; offset < CHUNKS_BEFORE_DIRECT; offset++) worker().say(chunk(offset))
  }

  beforeEach(() => {
    offering = true
  })

  test('is offered to a page that sends a body, too', async () => {
    for (let sent = 1; sent < CHUNKS_BEFORE_DIRECT; sent++) await say({ type: 'STREAM_BODY', id: 3 })
    await say({ type: 'STREAM_ACK', id: 3 }, null, 7)
    expect(offers.length).toBe(0)
    await say({ type: 'STREAM_BODY', id: 3 })
    expect(offers.length).toBe(1)
  })

  test('is offered to a page that streams, once', async () => {
    await say(1)
    for (let offset = 1; offset < CHUNKS_BEFORE_DIRECT; offset++) worker().say(chunk(offset))
    expect(offers.length).toBe(0)
    for (let more = 0; more < 2 * CHUNKS_BEFORE_DIRECT; more++) worker().say(chunk(more))
    expect(worker().posted).toEqual([1, { type: 'DIRECT_OFFER', token: 'token 0' }])
    // Not before the worker knows whose it is.
    expect(offers.map(({ log }) => log)).toEqual([['sent, 2 messages to the worker before']])
  })

  test('is not offered to a page whose streams are over soon', async () => {
    await say(1)
    for (let id = 1; id < CHUNKS_BEFORE_DIRECT; id++) {
      for (let offset = 1; offset < CHUNKS_BEFORE_DIRECT; offset++) worker().say(chunk(offset))
      worker().say({ type: id % 2 === 0 ? 'STREAM_ERROR' : 'STREAM_END', id })
    }
    expect(offers.length).toBe(0)
  })

  test('goes to the shim behind everything that came by the relay, and its frame goes', async () => {
    const ports: (readonly MessagePort[])[] = []
    page.addEventListener('message', (event) => ports.push((event as MessageEvent).ports))
    await say(1)
    stream()
    worker().say({ type: 'DIRECT_OPEN' })
    worker().say({ type: 'DIRECT_OPEN' })
    expect(offers[0]?.log.slice(1)).toEqual(['withdrawn'])
    await delivered()
    expect(heard).toEqual([...chunks, { type: 'DIRECT_OPEN' }])
    expect(ports).toEqual([...chunks.map(() => []), [offers[0]?.shimPort]])
  })

  test('that nobody offered is not opened', async () => {
    await say(1)
    worker().say({ type: 'DIRECT_OPEN' })
    await delivered()
    expect(heard).toEqual([])
  })

  test('is not announced where there can be none', async () => {
    offering = false
    await say(1)
    stream()
    stream()
    expect(worker().posted).toEqual([1])
  })

  test('of a worker that is lost is withdrawn, and the next worker gets its own', async () => {
    await say(1)
    stream()
    worker().end()
    expect(offers[0]?.log.slice(1)).toEqual(['withdrawn'])
    await say(2)
    stream()
    expect(worker().posted).toEqual([2, { type: 'DIRECT_OFFER', token: 'token 1' }])
  })

  test('is not sent where the worker is found lost by its offer', async () => {
    await say(1)
    worker().throws = new Error('Attempting to use a disconnected port object')
    stream()
    expect(offers.map(({ log }) => log)).toEqual([['withdrawn']])
  })

  test('that did not get into the page is not tried again there', async () => {
    await say(1)
    stream()
    offers[0]?.inVain()
    worker().end()
    await say(2)
    stream()
    expect([worker().posted, offers.length]).toEqual([[2], 1])
  })
})

describe('a lost worker', () => {
  test('is told once, and the next message finds another', async () => {
    await say(1)
    worker().end()
    worker().end()
    await delivered()
    expect(heard).toEqual([bridgeLost(false)])
    await say(2)
    expect(workers.map(({ posted }) => posted)).toEqual([[1], [2]])
  })

  test('has nothing more to say', async () => {
    await say(1)
    worker().end()
    await say(2)
    worker(0).say({ type: 'STREAM_END', id: 3 })
    worker(0).end()
    await delivered()
    expect(heard).toEqual([bridgeLost(false)])
  })

  test('of an extension that is gone is gone for good', async () => {
    await say(1)
    orphaned = true
    worker().throws = INVALIDATED
    await say(2, 3)
    expect(heard).toEqual([bridgeLost(true), bridgeLost(true)])
    expect(workers.length).toBe(1)
  })

  test('is given up by a message that it cannot be given', async () => {
    await say(1)
    worker().throws = new DOMException('could not be cloned', 'DataCloneError')
    await say(2)
    expect(heard).toEqual([bridgeLost(false)])
    await say(3)
    expect(worker(1).posted).toEqual([3])
  })
})

describe('release', () => {
  test('gives the port back without a word; the next message opens another', async () => {
    await say(1)
    relay.release()
    expect(worker().disconnected).toBe(true)
    worker(0).say({ type: 'STREAM_END', id: 3 })
    worker(0).end()
    await delivered()
    expect(heard).toEqual([])
    await say(2)
    expect(worker(1).posted).toEqual([2])
  })

  test('of what is not there, or not to be had any more, does nothing', async () => {
    relay.release()
    await say(1)
    worker().throws = INVALIDATED
    relay.release()
    relay.release()
    await delivered()
    expect(heard).toEqual([])
  })
})
