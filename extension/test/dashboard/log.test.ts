// What passes on one stream, made readable: events, messages, pieces, from wherever one begins to look.

import { describe, expect, test } from 'vitest'
import { figuresOf, generationFigures, troubleOf } from '../../src/dashboard/figures'
import { GapSeries, MAX_BUCKETS } from '../../src/dashboard/gaps'
import { Inflater } from '../../src/dashboard/inflate'
import { LOG_BYTES, StreamLog, TEXT_CHARS } from '../../src/dashboard/log'
import { ratesOf } from '../../src/dashboard/plots-data'
import type { Piece, StreamRecord } from '../../src/shared/dashboard'
import { done, failed, record, row, START } from './samples'

const bytes = (text: string) => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>
const SOCKET = { kind: 'websocket', mime: '' } as const

class Watched {
  readonly log: StreamLog
  #at = START

  constructor(changes: Partial<StreamRecord> = {}, from = { received: 0, sent: 0 }) {
    this.log = new StreamLog(record(changes), from)
  }
  push(data: string | Uint8Array<ArrayBuffer> | null, direction: 'in' | 'out' = 'in', after = 10): this {
    this.#at += after
    const plain = typeof data === 'string' ? bytes(data) : data
    this.log.add({ direction, at: this.#at, size: plain?.length ?? 7, data: plain }, plain)
    return this
  }
  get rows(): unknown[] {
    return [...this.log.rows].map(({ type, text }) => [type, text])
  }
}

describe('events', () => {
  test('come whole, whatever they are cut into, and their text adds up', () => {
    const seen = new Watched()
    for (const piece of [
      'data: {"type":"text","data":"He',
      'llo"}\n\nev',
      'ent: ping\ndata: x\n\n: still here\n',
      'data: {"type":"text","data":" you"}\n\n'
    ]) {
      seen.push(piece)
    }
    expect(seen.rows).toEqual([
      ['text', '{"type":"text","data":"Hello"}'],
      ['ping', 'x'],
      ['comment', 'still here'],
      ['text', '{"type":"text","data":" you"}']
    ])
    expect(seen.log.text).toBe('Hello you')
  })

  test.each([
    ['\n\n', '"a":1}\n\ndata: next\n\n'],
    ['\r\n\r\n', '"a":1}\r\n\r\ndata: next\r\n\r\n']
  ])('begin at the next one where the first was cut by %j', (_, text) => {
    const seen = new Watched({}, { received: 50, sent: 0 })
    for (const character of text) seen.push(character)
    expect(seen.rows).toEqual([['message', 'next']])
  })

  test('that come whole are all there, wherever one begins to look', () => {
    expect(new Watched({}, { received: 50, sent: 0 }).push('event: a\ndata: b\n\n').rows).toEqual([['a', 'b']])
    const lines = new Watched({ mime: 'application/jsonl' }, { received: 50, sent: 0 }).push('{"n":1}\n{"n":2}\n')
    expect(lines.rows).toHaveLength(2)
  })

  test('begin anew behind what went by too fast', () => {
    const seen = new Watched().push('data: a\n\ndata: cu').push(null).push('t\n\ndata: b\n\n')
    expect(seen.rows).toEqual([
      ['message', 'a'],
      ['not shown', null],
      ['message', 'b']
    ])
    expect(seen.log.missed).toBe(7)
  })

  test('that should be JSON and are none are shown as they came', () => {
    const seen = new Watched().push('data: {"type":"text"}\n\ndata: {broken\n\ndata: {"type":"text"}\n\n')
    expect(seen.rows).toHaveLength(3)
    expect(seen.rows[1]).toEqual(['message', '{broken'])
  })

  test('of a million no more are kept than there is room for', () => {
    const seen = new Watched()
    const some = 'data: {"type":"text","data":"word "}\n\n'.repeat(1_000)
    for (let i = 0; i < 300; i++) seen.push(some, 'in', 1)
    expect(seen.log.total).toBe(300_000)
    expect(seen.log.rows.bytes).toBeLessThanOrEqual(LOG_BYTES)
    expect(seen.log.text.length).toBeLessThanOrEqual(2 * TEXT_CHARS)
    expect(seen.log.text.length + seen.log.textCut).toBe(300_000 * 5)
  })

  test('of JSON lines are lines', () => {
    const seen = new Watched({ mime: 'application/x-ndjson' }, { received: 9, sent: 0 })
    expect(
      seen.push('half"}\n{"response":"a","done":false}\n{"response":"b","don').push('e":true}\n').rows
    ).toHaveLength(2)
    expect(seen.log.text).toBe('ab')
  })
})

test('another body is shown by its pieces and as text', () => {
  const seen = new Watched({ mime: 'text/plain' })
    .push('Gr')
    .push(new Uint8Array([0xc3]))
    .push(new Uint8Array([0xbc]))
    .push('up', 'out')
  expect(seen.log.text).toBe('Grü')
  expect(seen.rows.map((each) => (each as string[])[0])).toEqual(['piece', 'piece', 'piece', 'sent'])
})

// --- sockets --------------------------------------------------------------------------------------------------------

function part(first: number, text: string): Uint8Array<ArrayBuffer> {
  const data = bytes(text)
  const whole = new Uint8Array(5 + data.length)
  whole[0] = first
  new DataView(whole.buffer).setUint32(1, data.length)
  whole.set(data, 5)
  return whole
}

const joined = (...parts: Uint8Array[]) => new Uint8Array(parts.flatMap((each) => [...each]))

describe('messages of a socket', () => {
  test('come both ways, whatever they are cut into', () => {
    const seen = new Watched(SOCKET)
    const all = joined(part(0x01, '{"a"'), part(0x81, ':1}'), part(0x82, 'ÿ'), part(0x88, '\u0003\u00e8'))
    for (const byte of all) seen.push(new Uint8Array([byte]))
    seen.push(part(0x81, 'hi'), 'out')
    expect([...seen.log.rows].map(({ direction, type, size, text }) => [direction, type, size, text])).toEqual([
      ['in', 'text', 7, '{"a":1}'],
      ['in', 'binary', 2, 'c3 bf'],
      ['in', 'close', 3, '963 \ufffd'],
      ['out', 'text', 2, 'hi']
    ])
  })

  test('begin with the first chunk that begins with one', () => {
    const seen = new Watched(SOCKET, { received: 99, sent: 0 })
    seen.push(joined(part(0x81, 'it only'), bytes('begins like one')))
    seen.push('the rest of a long message').push(joined(part(0x81, 'one'), part(0x81, 'two')))
    expect(seen.rows).toEqual([
      ['text', 'one'],
      ['text', 'two']
    ])
  })

  test('are shown as far as they are short', () => {
    const seen = new Watched(SOCKET).push(part(0x81, 'x'.repeat(200_000)))
    const [only] = [...seen.log.rows]
    expect([only?.size, only?.text?.length]).toEqual([200_000, 65_536])
  })
})

// --- generation -----------------------------------------------------------------------------------------------------

test('a generation says its phases, its tokens and what it costs', () => {
  const seen = new Watched({ kind: 'generation' })
  const say = (event: object, after: number) =>
    seen.push(`data: ${JSON.stringify({ requestId: 'r', ...event })}\n\n`, 'in', after)
  say({ type: 'status', phase: 'connecting', message: 'asking' }, 10)
  say({ type: 'content', text: 'One ', index: 0 }, 500)
  say({ type: 'content', text: 'two', index: 0 }, 1_000)
  say({ type: 'usage', outputTokens: 30, estimated: true }, 1)
  expect(generationFigures(seen.log.generation as never, record())).toContainEqual(['Tokens per second', '30.0'])
  say(
    {
      type: 'complete',
      finishReason: 'stop',
      usage: { inputTokens: 5, outputTokens: 40, estimated: false },
      model: 'm',
      provider: 'p',
      timings: { firstContent: 480, total: 1_600, overhead: 3 },
      cost: { amount: '0.00125', currency: 'USD' }
    },
    5
  )
  expect(seen.log.text).toBe('One two')
  expect(seen.log.generation?.phases).toMatchObject([{ phase: 'connecting', message: 'asking' }])
  expect(Object.fromEntries(generationFigures(seen.log.generation as never, record()))).toEqual({
    Provider: 'p',
    Model: 'm',
    'First content after': '480 ms',
    'Tokens per second': '40.0',
    Tokens: '5 in 40 out',
    Cost: '0.00125 USD',
    Finished: 'stop'
  })
})

// --- gaps, rates, figures -------------------------------------------------------------------------------------------

describe('gaps', () => {
  test('of 250 ms and more are marked', () => {
    const gaps = new GapSeries()
    for (const at of [0, 10, 300, 549, 1_000]) gaps.add(START + at)
    const [, all, long] = gaps.data()
    expect(all).toEqual([10, 290, 249, 451])
    expect(long).toEqual([null, 290, null, 451])
    expect([gaps.long, gaps.longest]).toEqual([2, 451])
  })
  test('of ten thousand events a second are as many as can be drawn, and the longest is among them', () => {
    const gaps = new GapSeries()
    for (let i = 0; i < 1_000_000; i++) gaps.add(START + i)
    gaps.add(START + 1_000_400)
    expect(gaps.length).toBe(MAX_BUCKETS)
    expect(gaps.data()[1].at(-1)).toBe(401)
  })
})

test('a plot has a rate between each two samples', () => {
  const samples = [0, 500, 500, 1_000].map((at) => ({ at: START + at, received: at * 4, sent: at }))
  expect(ratesOf(samples)).toEqual([
    [(START + 500) / 1000, (START + 1_000) / 1000],
    [4_000, 4_000],
    [1_000, 1_000]
  ])
})

test('a plot of a stream that has stalled goes on at nothing', () => {
  const samples = [0, 500].map((at) => ({ at: START + at, received: at * 4, sent: at }))
  expect(ratesOf(samples, START + 1_400)[1]).toEqual([4_000])
  expect(ratesOf(samples, START + 9_000)).toEqual([
    [(START + 500) / 1000, (START + 1_000) / 1000, (START + 9_000) / 1000],
    [4_000, 0, 0],
    [1_000, 0, 0]
  ])
})

test('pieces come plain and in their order, also where they are compressed', async () => {
  const packed = new Blob(['second ']).stream().pipeThrough(new CompressionStream('gzip'))
  const data = new Uint8Array(await new Response(packed).arrayBuffer())
  const piece = (given: Uint8Array<ArrayBuffer> | null, encoding?: 'gzip'): Piece => {
    const plain = { direction: 'in', at: START, size: 1, data: given } as const
    return encoding === undefined ? plain : { ...plain, encoding }
  }
  let text = ''
  await new Promise<void>((resolve) => {
    const inflater = new Inflater((_, plain) => {
      text += plain === null ? '(none) ' : new TextDecoder().decode(plain)
      if (text.endsWith('last')) resolve()
    })
    inflater.push([piece(bytes('first ')), piece(data, 'gzip')])
    inflater.push([piece(null), piece(bytes('broken'), 'gzip'), piece(bytes('last'))])
  })
  expect(text).toBe('first second (none) (none) last')
})

test('figures say what is known, and a failure says what to do', () => {
  const moment = { now: START + 5_000, host: { starts: false, heardAt: START + 5_000 } }
  const told = Object.fromEntries(figuresOf(row(record({ received: 40_000, consumed: 100, lastByteAt: 100 })), moment))
  expect(told).toMatchObject({
    'Waits for': 'the page. It does not read what it was given.',
    'Acknowledged by the page': '100 B'
  })
  expect(told).not.toHaveProperty('First byte after')
  expect(Object.fromEntries(figuresOf(row(done()), moment))).toMatchObject({ End: 'Complete: the last chunk came' })
  expect(troubleOf(done())).toBeNull()
  expect(troubleOf(failed())).toEqual({
    title: 'UPSTREAM_RESET',
    text: 'The server broke the connection. The same request may succeed later.'
  })
})
