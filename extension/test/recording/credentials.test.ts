// No credential goes into a recording: by the vectors that the host reads too.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Redaction } from '../../src/recording/credentials'
import { Masking, RESPONSE_HOLD_BYTES, type Timed } from '../../src/recording/masking'

interface Body {
  name: string
  way: 'up' | 'down'
  type: string
  needles: string[]
  pieces: string[]
  masked: string[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../tests/vectors/recordings/redaction.json', import.meta.url), 'utf8')
) as {
  headers: [string, string, string][]
  heads: { name: string; first: [string, string][]; then: [string, string][]; expected: [string, string][] }[]
  urls: [string, string][]
  protocols: [string, string][]
  bodies: Body[]
}

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (data: Uint8Array) => new TextDecoder().decode(data)

describe('what stands for a credential', () => {
  test.each(vectors.headers)('in the header %s: %s', (name, value, expected) => {
    expect(new Redaction().headers([[name, value]])).toEqual([[name, expected]])
  })

  test.each(vectors.heads)('in a head after another: $name', ({ first, then, expected }) => {
    const redaction = new Redaction()
    redaction.headers(first)
    expect(redaction.headers(then)).toEqual(expected)
  })

  test.each(vectors.urls)('in %s', (url, expected) => {
    expect(new Redaction().url(url)).toBe(expected)
  })

  test.each(vectors.protocols)('in the subprotocol %s', (name, expected) => {
    expect(new Redaction().protocols([name])).toEqual([expected])
  })

  test('and its forms are looked for in the bodies', () => {
    const redaction = new Redaction()
    redaction.headers([['authorization', 'Basic dXNlcjpodW50ZXItaHVudGVy']])
    expect(redaction.needles).toEqual(new Set(['dXNlcjpodW50ZXItaHVudGVy', 'hunter-hunter']))
  })
})

describe('a body', () => {
  test.each(vectors.bodies.map((body) => [body.name, body] as const))('%s', (_, body) => {
    const masking = new Masking(body.way, new Set(body.needles), body.type)
    const originals = body.pieces.map(bytes)
    const given = originals.flatMap((piece, t) => masking.push(piece, t)).concat(masking.end())
    expect(given.map(({ data }) => text(data))).toEqual(body.masked)
    expect(given.map(({ t }) => t)).toEqual(body.pieces.map((_, t) => t))
    expect(given.map(({ masked }) => masked)).toEqual(body.pieces.map((piece, t) => piece !== body.masked[t]))
    // They are on their way to somebody else.
    expect(originals.map(text)).toEqual(body.pieces)
  })

  test.each([1, 7, 1000, 5000])('has its needles found where pieces of %i bytes end', (size) => {
    const needle = 'planted-needle'
    const whole = Array.from({ length: (3 * RESPONSE_HOLD_BYTES) / 22 }, (_, n) => `${n} ${needle} `).join('')
    const masking = new Masking('down', new Set([needle]), 'text/plain')
    const given: Timed[] = []
    for (let start = 0; start < whole.length; start += size) {
      given.push(...masking.push(bytes(whole.slice(start, start + size)), start))
      expect(given.length * size).toBeGreaterThanOrEqual(start - 2 * RESPONSE_HOLD_BYTES - size)
    }
    given.push(...masking.end())
    expect(given.map(({ data }) => text(data)).join('')).toBe(whole.replaceAll(needle, '*'.repeat(needle.length)))
  })
})
