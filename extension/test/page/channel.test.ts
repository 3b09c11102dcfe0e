// The page's port to its relay: there, awaited, replaced or gone.

import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Channel, PORT_WAIT_MS } from '../../src/page/channel'
import type { FromPage, ToPage } from '../../src/protocol/bridge'
import { delivered } from '../messaging'

const ABORTED: ToPage = { type: 'STREAM_ABORTED', id: 1 }
const TAKEN: FromPage = { type: 'DIRECT_TAKEN' }
const ACK: FromPage = { type: 'STREAM_ACK', id: 1, consumed: 2 }

// Before the shim captures the timers, which it does when it is imported.
vi.hoisted(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))

let heard: ToPage[]
let replaced: number
let announced: number
let answer: () => void
let channel: Channel

beforeEach(() => {
  heard = []
  replaced = announced = 0
  answer = () => undefined
  channel = new Channel({
    message: (message) => heard.push(message),
    replaced: () => {
      replaced += 1
      channel.post(ACK)
    },
    announce: () => {
      announced += 1
      answer()
    }
  })
})

/** A relay that has handed over its port: what it is told. */
function relay(): { port: MessagePort; told: unknown[] } {
  const { port1, port2 } = new MessageChannel()
  const told: unknown[] = []
  port1.onmessage = ({ data }) => told.push(data)
  channel.attach(port2)
  return { port: port1, told }
}

describe('a call', () => {
  test('goes on at once where there is a port, and asks for a relay only if none may be left', () => {
    relay()
    const arrivals: boolean[] = []
    channel.acquire(false, (arrived) => arrivals.push(arrived))
    expect([arrivals, announced]).toEqual([[true], 0])
    channel.acquire(true, (arrived) => arrivals.push(arrived))
    expect([arrivals, announced]).toEqual([[true, true], 1])
  })

  test('goes on within itself if a relay answers', () => {
    answer = () => void relay()
    const arrivals: boolean[] = []
    channel.acquire(true, (arrived) => arrivals.push(arrived))
    expect(arrivals).toEqual([true])
  })

  test('waits for a relay that comes later, with all others in their order', () => {
    const arrivals: string[] = []
    for (const name of ['first', 'second']) channel.acquire(true, (arrived) => arrivals.push(`${name} ${arrived}`))
    expect(arrivals).toEqual([])
    relay()
    expect(arrivals).toEqual(['first true', 'second true'])
  })

  test('gives up when its time is over, and the next one has its own', () => {
    const arrivals: boolean[] = []
    channel.acquire(true, (arrived) => arrivals.push(arrived))
    vi.advanceTimersByTime(PORT_WAIT_MS - 1)
    expect(arrivals).toEqual([])
    vi.advanceTimersByTime(1)
    expect(arrivals).toEqual([false])
    channel.acquire(true, (arrived) => arrivals.push(arrived))
    vi.advanceTimersByTime(PORT_WAIT_MS - 1)
    relay()
    expect(arrivals).toEqual([false, true])
  })
})

describe('a message', () => {
  test('goes both ways, and what is none is dropped', async () => {
    const { port, told } = relay()
    channel.post(ACK)
    for (const message of [ABORTED, { type: 'STREAM_ABORTED', id: 'one' }, { type: 'NOTHING' }, null, 'text']) {
      port.postMessage(message)
    }
    await delivered()
    expect(told).toEqual([ACK])
    expect(heard).toEqual([ABORTED])
  })

  test('without a port goes nowhere', () => {
    expect(() => channel.post(ACK)).not.toThrow()
  })
})

describe('a direct port', () => {
  const END: ToPage = { type: 'STREAM_END', id: 1, bytes: 0, completeness: 'none', timings: { total_ms: 1 } }

  /** Opened through a relay's port; the worker's end. */
  function direct(port: MessagePort): MessagePort {
    const { port1, port2 } = new MessageChannel()
    port.postMessage({ type: 'DIRECT_OPEN' }, [port2])
    return port1
  }

  test('is heard after all that came by the relay', async () => {
    const { port, told } = relay()
    const { port1, port2 } = new MessageChannel()
    port1.postMessage(END)
    await delivered()
    port.postMessage(ABORTED)
    port.postMessage({ type: 'DIRECT_OPEN' }, [port2])
    await delivered()
    expect(heard).toEqual([ABORTED, END])
    expect(told).toEqual([TAKEN])
  })

  test('takes what streams carry, once the relay has passed on that it does; all else goes by the relay', async () => {
    const carried: FromPage[] = [
      ACK,
      { type: 'STREAM_BODY', id: 1, offset: 0, data: new Uint8Array(1) },
      { type: 'STREAM_BODY_END', id: 1, bytes: 1 }
    ]
    const asked: FromPage[] = [
      { type: 'STREAM_ABORT', id: 1, reason: 'signal' },
      { type: 'STATUS_REQUEST', request: 1 }
    ]
    const { port, told } = relay()
    for (const message of [...carried, ...asked]) channel.post(message)
    const worker = direct(port)
    const toldDirectly: unknown[] = []
    worker.onmessage = ({ data }) => toldDirectly.push(data)
    await delivered()
    for (const message of [...carried, ...asked]) channel.post(message)
    await delivered()
    expect(told).toEqual([...carried, ...asked, TAKEN, ...asked])
    expect(toldDirectly).toEqual(carried)
    channel.closeDirect()
    channel.post(ACK)
    await delivered()
    expect(told.at(-1)).toEqual(ACK)
    expect(toldDirectly).toEqual(carried)
  })

  test('drops what is no message, and opens no other', async () => {
    const { port } = relay()
    const worker = direct(port)
    const { port1, port2 } = new MessageChannel()
    worker.postMessage({ type: 'STREAM_END', id: 'one' })
    worker.postMessage({ type: 'DIRECT_OPEN' }, [port2])
    port1.postMessage(ABORTED)
    await delivered()
    expect(heard).toEqual([])
  })

  test('that is not there is not opened', async () => {
    const { port } = relay()
    port.postMessage({ type: 'DIRECT_OPEN' })
    port.postMessage(ABORTED)
    await delivered()
    expect(heard).toEqual([ABORTED])
  })

  test.each<[string, (port: MessagePort) => void]>([
    ['that was closed', () => channel.closeDirect()],
    ['whose relay is dead', () => channel.detach()],
    ['whose relay was replaced', () => void relay()],
    ['in whose place another came', (port) => void direct(port)]
  ])('%s is heard no more', async (_, over) => {
    const { port } = relay()
    const worker = direct(port)
    await delivered()
    over(port)
    await delivered()
    worker.postMessage(END)
    await delivered()
    expect(heard).toEqual([])
  })
})

describe('a second relay', () => {
  test('takes over: the first hears what is over, and is heard no more', async () => {
    const first = relay()
    first.port.postMessage(ABORTED)
    const second = relay()
    await delivered()
    expect(replaced).toBe(1)
    expect([first.told, second.told]).toEqual([[ACK], []])
    expect(heard).toEqual([])
    second.port.postMessage(ABORTED)
    await delivered()
    expect(heard).toEqual([ABORTED])
  })
})

describe('a dead relay', () => {
  test('is let go of, and the next call asks for another one', async () => {
    const { port, told } = relay()
    channel.detach()
    channel.post(ACK)
    port.postMessage(ABORTED)
    await delivered()
    expect([told, heard]).toEqual([[], []])
    answer = () => void relay()
    const arrivals: boolean[] = []
    channel.acquire(false, (arrived) => arrivals.push(arrived))
    expect([arrivals, announced, replaced]).toEqual([[true], 1, 0])
  })

  test('that is not the present one is none of our business', async () => {
    const { port } = relay()
    channel.detach(new MessageChannel().port2)
    port.postMessage(ABORTED)
    await delivered()
    expect(heard).toEqual([ABORTED])
  })
})
