// What both languages do alike: tests/vectors/rpc, which pytest reads too.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Core } from '../../src/rpc/core'
import { RpcError, wireError } from '../../src/rpc/errors'
import type { CoreEvent, CoreOptions } from '../../src/rpc/link'
import { type Hello, readMessage, sizeOf } from '../../src/rpc/messages'

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../tests/vectors/rpc/${name}`, import.meta.url), 'utf8'))

/** As it comes over the wire. */
function helloOf(value: unknown): Hello {
  const message = readMessage(JSON.stringify({ category: 'ping', timestamp: 0, longwire: value }))
  if (message.type !== 'hello') throw new Error('no hello')
  return message.hello
}

type Step = Record<string, unknown>
interface Case {
  name: string
  role: 'connect' | 'accept'
  options?: Partial<CoreOptions>
  hello?: Step
  plain?: boolean
  steps: Step[]
}

const OPTIONS = {
  token: 'own',
  window: 1000,
  maxMessageBytes: 10_000,
  maxStreams: 100,
  maxRequests: 100,
  maxUnclaimedBytes: 10_000,
  unclaimedTimeout: 10_000,
  maxPlainBytes: 10_000,
  helloTimeout: 10_000,
  resumeTimeout: 10_000,
  resumable: false,
  deflate: true
}
const HELLO = { version: 1, peer: 'other', window: 1000, maxMessageBytes: 10_000, deflate: true, resumable: false }

function binary(value: unknown): string | Uint8Array {
  if (typeof value === 'string') return value
  const { hex, $text } = value as { hex?: string; $text?: number }
  if ($text !== undefined) return 'x'.repeat($text)
  return hex === undefined ? JSON.stringify(value) : new Uint8Array(Buffer.from(hex, 'hex'))
}

const shown = (value: unknown): unknown =>
  value instanceof Uint8Array
    ? { hex: Buffer.from(value).toString('hex') }
    : value instanceof RpcError
      ? value.code
      : value

const shownMessage = (data: string | Uint8Array) => (typeof data === 'string' ? JSON.parse(data) : shown(data))

function shownEvent(event: CoreEvent): unknown {
  if (event.type === 'close') return { type: 'close', code: event.code }
  return Object.fromEntries(
    Object.entries(event).flatMap(([key, value]) => {
      return key === 'error' && value === null && event.type === 'response' ? [] : [[key, shown(value)]]
    })
  )
}

class Replay {
  readonly #core: Core
  #now = 0

  constructor({ role, options, hello, plain }: Case) {
    this.#core = new Core({ ...OPTIONS, ...options, role })
    if (hello === undefined && plain === undefined) return
    this.#core.opened(0)
    const longwire = { ...HELLO, ...hello }
    this.#core.receive(JSON.stringify(plain ? { category: 'pong' } : { category: 'ping', timestamp: 0, longwire }), 0)
    this.#sends()
    this.#core.events()
  }

  #sends(): unknown[] {
    const sent: unknown[] = []
    for (let next = this.#core.next(true, this.#now); next !== null; next = this.#core.next(true, this.#now)) {
      sent.push(shownMessage(next.data))
    }
    return sent
  }

  step(step: Step): void {
    const [[what, value]] = Object.entries(step) as [[string, never]]
    const core = this.#core
    switch (what) {
      case 'opened':
        this.#now = value
        return core.opened(value)
      case 'now':
        this.#now = value
        return
      case 'tick':
        this.#now = value
        return core.tick(value)
      case 'receive':
        return core.receive(binary(value), this.#now)
      case 'repeat':
        for (let i = 0; i < value[0]; i++) core.receive(binary(value[1]), this.#now)
        return
      case 'refuseResume':
        return core.refuseResume(value)
      case 'known':
        return expect(core.extended).toBe(value)
      case 'resume':
        return core.resume(helloOf(value), this.#now)
      case 'closed':
        return core.closed(value[0], value[1], value[2], this.#now)
      case 'open':
        if ('error' in step)
          return expect(() => core.open(value, {})).toThrow(expect.objectContaining({ code: step['error'] }))
        return core.open(value, (step['options'] as object) ?? {})
      case 'push':
        return core.push(value[0], binary(value[1]), this.#now)
      case 'end':
        return core.end(value, null)
      case 'claim':
        return core.claim(value[0], value[1])
      case 'cancel':
        return core.cancel(value)
      case 'request':
        return core.request(value[0], binary(value[1]) as string, value[2])
      case 'respond':
        return core.respond(value[0], value[1], null)
      case 'sends':
        return expect(this.#sends()).toEqual(value)
      case 'deflatable':
        return expect(core.next(true, this.#now)?.deflatable).toBe(value)
      case 'next': {
        const next = core.next(true, this.#now)
        return expect(next && shownMessage(next.data)).toEqual(value)
      }
      case 'events':
        return expect(core.events().map(shownEvent)).toEqual(value)
      case 'eventTypes':
        return expect(core.events().map(({ type }) => type)).toEqual(value)
      case 'take': {
        const taken = Object.entries(core.take(value[0]) ?? {}).map(([key, each]) => [key, shown(each)])
        return expect(taken.length === 0 ? null : Object.fromEntries(taken)).toEqual(value[1])
      }
      case 'wants':
        return expect(core.wants(value[0])).toBe(value[1])
      case 'deadline':
        return expect(Math.ceil(core.deadline(this.#now))).toBe(value ?? Infinity)
      case 'counts':
        return expect(core.counts).toMatchObject(value)
      default:
        throw new Error(`no such step: ${what}`)
    }
  }
}

describe('the core', () => {
  test.each(read('core.json') as Case[])('$name', (each) => {
    const replay = new Replay(each)
    each.steps.forEach((step, at) => {
      try {
        replay.step(step)
      } catch (error) {
        throw new Error(`step ${at}: ${(error as Error).message}`, { cause: error })
      }
    })
  })
})

test.each(read('messages.json').sizes as [string, number][])('the size of %j is %i', (text, size) => {
  expect(sizeOf(text)).toBe(size)
  expect(new TextEncoder().encode(text).length).toBe(size)
})

test('an error goes over the wire without its stack', () => {
  expect(Object.keys(wireError(new RpcError('X', 'y')))).toEqual(['name', 'message', 'code', 'retryable'])
})

test('a batch has at most as many items as a sender makes of 64 KiB', () => {
  const batch = (items: number) =>
    readMessage(`{"type":"StreamBatch","streamId":"a","index":0,"payloads":[0${',0'.repeat(items - 1)}]}`)
  expect(batch(65_536)).toMatchObject({ type: 'data' })
  expect(batch(65_537)).toMatchObject({ type: 'bad', streamId: 'a' })
  const core = new Core({ ...OPTIONS, role: 'connect' })
  core.opened(0)
  const hello = { version: 1, peer: 'p', window: 1e9, maxMessageBytes: 1e9 }
  core.receive(JSON.stringify({ category: 'ping', timestamp: 0, longwire: hello }), 0)
  core.open('a', { batch: { items: 1e9 } })
  let pushed = 0
  for (; core.wants('a'); pushed++) core.push('a', '0', 0)
  expect(pushed).toBe(65_536)
})
