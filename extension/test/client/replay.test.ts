import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StreamEvent } from '../../src/client/event-payload'
import { Replay } from '../../src/client/replay'

const event = (raw: string): StreamEvent => ({ type: 'text', data: raw, text: raw, raw, name: 'message', id: '' })

/** Cut text at these places. */
function pieces(text: string, cuts: number[]): string[] {
  const at = cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b)
  return [0, ...at].map((start, i) => text.slice(start, at[i] ?? text.length)).filter((piece) => piece !== '')
}

test('however often an answer breaks off, and wherever it is cut, every part is delivered once', () => {
  const cuts = fc.array(fc.nat(100), { maxLength: 10 })
  const attempts = fc.array(fc.record({ cuts, taken: fc.nat(12) }), { maxLength: 5 })
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 60 }), cuts, attempts, fc.boolean(), (text, last, list, plain) => {
      const replay = new Replay()
      let shown = ''
      // Only plain text may be cut otherwise each time.
      const give = (from: string[]) => {
        for (const piece of from) shown += replay.pass(event(piece), plain)?.text ?? ''
      }
      for (const attempt of list) {
        give(pieces(text, plain ? attempt.cuts : last).slice(0, attempt.taken))
        replay.restart()
      }
      give(pieces(text, last))
      replay.end()
      expect(shown).toBe(text)
    }),
    { numRuns: 500 }
  )
})

test('an answer that differs in one character is told', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 8 }), fc.nat(), (list, where) => {
      const replay = new Replay()
      for (const raw of list) replay.pass(event(raw), false)
      replay.restart()
      const at = where % list.length
      const other = list.map((raw, i) => (i === at ? `${raw}x` : raw))
      expect(() => {
        for (const raw of other) replay.pass(event(raw), false)
        replay.end()
      }).toThrowError(expect.objectContaining({ code: 'REPLAY_DIFFERS' }))
    })
  )
})

test('where one event ends and the next begins makes a difference', () => {
  const replay = new Replay()
  for (const raw of ['ab', 'c']) replay.pass(event(raw), false)
  replay.restart()
  replay.pass(event('a'), false)
  expect(() => replay.pass(event('bc'), false)).toThrow()
})
