// What a page says, as the host gets it: one parse of the URL, and no frame that the host could not read.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StreamStartFields } from '../../src/protocol/bridge'
import {
  INLINE_BODY_BYTES,
  MAX_FRAME_TO_HOST,
  MAX_HEADER_PAIRS,
  MAX_HEADERS_CHARS,
  MAX_ID,
  MAX_URL_CHARS
} from '../../src/protocol/constants'
import { isFromPage } from '../../src/protocol/guards'
import { GENERATE_URL } from '../../src/shared/names'
import { commandToHost, Refused, reportToPage, startToHost } from '../../src/worker/translate'
import { times } from '../effort'
import { chunk, end, error, headers, PAGE, start } from './samples'

const translate = (changes: Partial<StreamStartFields>) => startToHost(start(3, changes), 41, PAGE)
const utf8Bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

test('a start carries the id of the worker and the page that the browser attests', () => {
  const fields = start(3, { method: 'PUT', headers: [['a', 'b']], timeouts: { idle_ms: 5 }, redirect: 'manual' })
  expect(startToHost(fields, 41, PAGE)).toEqual({ ...fields, id: 41, page: PAGE })
})

test('what only the worker says of a stream, a page cannot slip in', () => {
  const bold = { ...start(3), kind: 'websocket' }
  expect(isFromPage(start(3))).toBe(true)
  expect(isFromPage(bold)).toBe(false)
  expect(startToHost(bold, 41, PAGE)).not.toHaveProperty('kind')
})

test.each([
  ['wss://a.example/live#x', 'wss://a.example/live', 'websocket'],
  ['WS://A.example:80', 'ws://a.example/', 'websocket'],
  ['https://a.example/wss:', 'https://a.example/wss:', undefined]
])('the kind of a stream is what its URL says: %s', (url, canonical, kind) => {
  const start = translate({ url, protocols: ['chat'] })
  expect([start.url, start.kind, start.protocols]).toEqual([canonical, kind, ['chat']])
  expect(translate({ url })).not.toHaveProperty('protocols')
})

test('a start is written to the host in the order in which the shim writes it', () => {
  const fields = start(3, { method: 'PUT', headers: [['a', 'b']], timeouts: { idle_ms: 5 }, redirect: 'manual' })
  const inOrder = { ...fields, id: 41, page: PAGE }
  expect(JSON.stringify(startToHost(fields, 41, PAGE))).toBe(JSON.stringify(inOrder))
})

test('bytes become base64, and what is streamed is only announced', () => {
  const data = new Uint8Array([0, 250, 62, 63])
  expect(translate({ body: { kind: 'inline', data } }).body).toEqual({ kind: 'inline', data: 'APo+Pw==' })
  expect(translate({ body: { kind: 'stream', size: 7 } }).body).toEqual({ kind: 'stream', size: 7 })
  expect(commandToHost({ type: 'STREAM_BODY', id: 3, offset: 9, data }, 41)).toEqual({
    type: 'STREAM_BODY',
    id: 41,
    offset: 9,
    data: 'APo+Pw=='
  })
})

describe('a URL', () => {
  test.each([
    ['HTTPS://API.Example.COM:443', 'https://api.example.com/'],
    ['http://a.example:80/b', 'http://a.example/b'],
    ['http://a.example\\@b.example/', 'http://a.example/@b.example/'],
    ['http://0x7f.1/', 'http://127.0.0.1/'],
    ['http://[::FFFF:7f00:1]/', 'http://[::ffff:7f00:1]/'],
    ['http://a.example/b/../%2e%2e/c', 'http://a.example/c'],
    ['http://a.example/é?ü', 'http://a.example/%C3%A9?%C3%BC'],
    ['http://bücher.example/', 'http://xn--bcher-kva.example/'],
    ['  http://a.example/\tb\n', 'http://a.example/b'],
    ['http://a.example/b#fragment', 'http://a.example/b'],
    ['http://a.example/b?#', 'http://a.example/b?']
  ])('is written as the browser reads it: %s', (written, canonical) => {
    expect(translate({ url: written }).url).toBe(canonical)
  })

  test.each([
    ['/relative', 'not an absolute URL'],
    ['//a.example/', 'not an absolute URL'],
    ['http://', 'not an absolute URL'],
    ['http://a b/', 'not an absolute URL'],
    ['file:///etc/passwd', 'not file:'],
    ['javascript:alert(1)', 'not javascript:'],
    ['blob:https://a.example/1', 'not blob:'],
    ['wss+x://a.example/', 'not wss+x:'],
    ['wss://user@a.example/', 'credentials'],
    ['http://user@a.example/', 'credentials'],
    ['http://:secret@a.example/', 'credentials']
  ])('is refused: %s', (url, says) => {
    expect(() => translate({ url })).toThrow(Refused)
    expect(() => translate({ url })).toThrow(says)
  })

  const base = 'http://a.example/'
  test('of the longest canonical form passes, one character more does not', () => {
    const longest = `${base}${'a'.repeat(MAX_URL_CHARS - base.length)}`
    expect(translate({ url: `${longest}#${'f'.repeat(100)}` }).url).toBe(longest)
    expect(() => translate({ url: `${longest}a` })).toThrow(
      `The URL has ${MAX_URL_CHARS + 1} characters in its canonical form; the limit is ${MAX_URL_CHARS}.`
    )
  })

  test('counts as it goes out, not as the page wrote it', () => {
    const url = `${base}${'€'.repeat(10_000)}`
    expect(isFromPage(start(1, { url }))).toBe(true)
    expect(() => translate({ url })).toThrow(`The URL has ${base.length + 90_000} characters`)
  })
})

test.each([0, 1])('headers of the limit and %d characters', (over) => {
  const value = (MAX_HEADERS_CHARS - 4) / 2
  const pairs: [string, string][] = [
    ['ab', 'x'.repeat(value)],
    ['cd', 'x'.repeat(value + over)]
  ]
  if (over === 0) expect(translate({ headers: pairs }).headers).toBe(pairs)
  else
    expect(() => translate({ headers: pairs })).toThrow(
      `The request headers have ${MAX_HEADERS_CHARS + 1} characters; the limit is ${MAX_HEADERS_CHARS}.`
    )
})

describe('a frame', () => {
  // What JSON and UTF-8 make of a UTF-16 unit: 1, 6, 2, 2, 2, 3, 2 bytes.
  const units = fc.constantFrom('a', '\u0001', '"', '\\', 'é', '€', '\u{1f600}')
  const long = (max: number) =>
    fc.tuple(units, fc.integer({ min: 0, max })).map(([unit, count]) => unit.repeat(count / unit.length))
  const large = fc.record({
    method: units.map((unit) => unit.repeat(10)),
    url: long(60_000).map((query) => `http://a.example/?${query.replace(/[^a"\\]/gu, '\\')}`),
    values: fc.array(long(49_000), { minLength: 1, maxLength: 2 }),
    pairs: fc.integer({ min: 0, max: MAX_HEADER_PAIRS - 2 }),
    bytes: fc.constantFrom(0, 200_000, INLINE_BODY_BYTES)
  })

  test('never is larger than the host reads, and none is refused that would fit', () => {
    const seen = { passed: 0, refused: 0 }
    fc.assert(
      fc.property(large, ({ method, url, values, pairs, bytes }) => {
        const fields = start(MAX_ID, {
          method,
          url,
          headers: [...values.map((value): [string, string] => ['v', value]), ...Array(pairs).fill(['n', ''])],
          body: { kind: 'inline', data: new Uint8Array(bytes) },
          timeouts: { header_ms: 86_400_000, idle_ms: 86_400_000, total_ms: 86_400_000 }
        })
        fc.pre(isFromPage(fields))
        try {
          expect(utf8Bytes(startToHost(fields, MAX_ID, PAGE))).toBeLessThanOrEqual(MAX_FRAME_TO_HOST)
          seen.passed += 1
        } catch (refused) {
          if (!(refused instanceof Refused)) throw refused
          const said = /^The request takes (\d+) bytes/.exec(refused.message)
          if (said === null) return
          seen.refused += 1
          expect(Number(said[1])).toBeGreaterThan(MAX_FRAME_TO_HOST)
        }
      }),
      {
        numRuns: times(300, 100),
        // Both outcomes, whatever the seed: everything at its largest, and half of it.
        examples: [0.5, 1].map((part) => [
          {
            method: 'POST',
            url: `http://a.example/?${'\\'.repeat(60_000)}`,
            values: Array(2).fill('\u0001'.repeat(part * 49_000)),
            pairs: 0,
            bytes: INLINE_BODY_BYTES
          }
        ]) as never
      }
    )
    expect(seen.passed).toBeGreaterThan(0)
    expect(seen.refused).toBeGreaterThan(0)
  })

  test.each([0, 1])('of the limit and %d bytes', (over) => {
    const sized = (extra: number) =>
      start(3, {
        url: `http://a.example/?${'\\'.repeat(65_000)}`,
        headers: [
          ['a', '\u0001'.repeat(49_000)],
          ['b', `${'\u0001'.repeat(45_500)}${'x'.repeat(extra)}`]
        ],
        body: { kind: 'inline', data: new Uint8Array(262_000) }
      })
    const room = MAX_FRAME_TO_HOST - utf8Bytes(startToHost(sized(0), 41, PAGE))
    expect(room).toBeGreaterThan(0)
    if (over === 0) expect(utf8Bytes(startToHost(sized(room), 41, PAGE))).toBe(MAX_FRAME_TO_HOST)
    else
      expect(() => startToHost(sized(room + 1), 41, PAGE)).toThrow(
        `The request takes ${MAX_FRAME_TO_HOST + 1} bytes as a message to the host; the limit is ${MAX_FRAME_TO_HOST}.`
      )
  })
})

test('a report carries the id of the page, and a chunk its bytes', () => {
  expect(reportToPage({ ...headers(41) }, 3)).toEqual(headers(3))
  expect(reportToPage({ ...end(41, 2) }, 3)).toEqual(end(3, 2))
  expect(reportToPage({ ...chunk(41, 7, '+/8=') }, 3)).toEqual({ ...chunk(3, 7), data: new Uint8Array([0xfb, 0xff]) })
})

test('what of a report is the worker’s to know is not in what the page gets', () => {
  expect(reportToPage({ ...headers(41), recordable: false, grant: 'chat' }, 3)).toStrictEqual(headers(3))
  expect(reportToPage({ ...error(41), grant: 'chat' }, 3)).toStrictEqual(error(3))
})

test('a chunk of no base64 throws', () => {
  expect(() => reportToPage({ ...chunk(41, 0, '!!!!') }, 3)).toThrow(SyntaxError)
})

test('what is for a language model is of the kind generation, whatever else the page says', () => {
  const asked = startToHost(start(3, { method: 'POST', url: GENERATE_URL }), 41, PAGE)
  expect(asked).toMatchObject({ url: 'longwire:generate', kind: 'generation' })
  for (const url of ['longwire:generate#', 'longwire:generate/', 'longwire:other', 'LONGWIRE:generate']) {
    expect(() => startToHost(start(3, { url }), 41, PAGE)).toThrow(Refused)
  }
})
