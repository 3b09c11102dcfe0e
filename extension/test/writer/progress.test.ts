// A run of the writer as a table: what happens to it, and what it says.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { WritingEvent } from '../../src/writer/model'
import { advance, begin, isOver, type RunInput, type RunState, SPEED_AFTER_MS } from '../../src/writer/run/progress'

const MAX_TOKENS = 1_000
const STATS = { files: 2, added: 10, deleted: 3, bytes: 700 }
const READ: RunInput = { type: 'read', title: 'A title', diffStats: STATS, cut: null }
const COMPLETE = {
  type: 'complete',
  finishReason: 'stop',
  usage: { outputTokens: 412, estimated: false },
  model: 'm',
  provider: 'p',
  timings: { total: 1, overhead: 0 }
} as const

const content = (text: string): RunInput => ({ type: 'generation', event: { type: 'content', text, index: 0 } })
const usage = (outputTokens: number): RunInput => ({
  type: 'generation',
  event: { type: 'usage', outputTokens, estimated: true }
})
const complete = (finishReason: 'stop' | 'length' | 'content_filter' = 'stop'): RunInput => ({
  type: 'generation',
  event: { ...COMPLETE, finishReason }
})
const status = (phase: 'connecting' | 'thinking' | 'retrying' | 'generating', message = ''): RunInput => ({
  type: 'generation',
  event: { type: 'status', phase, message }
})

/** What a run says of these inputs, each a second after the one before. */
function run(...inputs: RunInput[]): { state: RunState; events: WritingEvent[] } {
  let { state, events } = begin(0) as { state: RunState; events: WritingEvent[] }
  events = [...events]
  for (const [index, input] of inputs.entries()) {
    const step = advance(state, input, (index + 1) * 1_000, MAX_TOKENS)
    state = step.state
    events.push(...step.events)
  }
  return { state, events }
}

const phases = (events: readonly WritingEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'phase' ? [event.text] : []))

test('a run from the click to the last word', () => {
  const { events } = run(READ, status('connecting'), content('Because'), usage(123), { type: 'tick' }, complete(), {
    type: 'shown'
  })
  expect(phases(events)).toEqual([
    'Reading the pull request…',
    'Preparing…',
    'Writing (2 tokens)…',
    'Writing (123 tokens)…',
    'Done (412 tokens)'
  ])
  expect(events.find(({ type }) => type === 'pr_data')).toEqual({
    type: 'pr_data',
    title: 'A title',
    diffStats: STATS
  })
  expect(events.at(-2)).toEqual({ type: 'progress', tokens: 412, elapsedMs: 7_000, remainingMs: null })
})

test('it is done when all is shown, and not when the model says so', () => {
  expect(run(READ, content('x'), complete()).state.phase).toBe('writing')
  expect(run(READ, content('x'), { type: 'shown' }).state.phase).toBe('writing')
})

test.each([
  ['stop', 'Done (412 tokens)'],
  ['length', 'Done (412 tokens). It is as long as an answer may be, so its end is missing'],
  ['content_filter', 'Done (412 tokens). The provider’s filter left something out']
] as const)('an end by %s says so', (reason, text) => {
  expect(phases(run(READ, content('x'), complete(reason), { type: 'shown' }).events).at(-1)).toBe(text)
})

describe('what it waits for before the first word', () => {
  test.each([
    [status('thinking'), 'Thinking…'],
    [status('retrying', 'too many requests; asking again in 4 s'), 'Too many requests; asking again in 4 s.'],
    [status('connecting'), 'Preparing…']
  ])('%#', (input, text) => {
    expect(phases(run(READ, input).events).at(-1)).toBe(text)
  })

  test('is said as long as there is no text, and not before the pull request is read', () => {
    expect(phases(run(status('thinking')).events)).toEqual(['Reading the pull request…'])
    expect(phases(run(READ, content('x'), status('thinking')).events).at(-1)).toBe('Writing (1 token)…')
  })
})

describe('sizes', () => {
  const cuts = (events: readonly WritingEvent[]) => events.filter(({ type }) => type === 'cut')
  const metadata = (originalSize: number, truncatedSize: number): RunInput => ({
    type: 'generation',
    event: {
      type: 'metadata',
      model: 'm',
      provider: 'p',
      promptLength: 1,
      truncated: true,
      originalSize,
      truncatedSize
    }
  })

  test('of a diff that was cut are said', () => {
    const cut = { originalBytes: 1_200_000, cutBytes: 200_000 }
    expect(cuts(run({ ...READ, cut } as RunInput).events)).toEqual([{ type: 'cut', ...cut }])
  })

  test('of what the host cuts again begin at the diff’s', () => {
    const cut = { originalBytes: 1_200_000, cutBytes: 200_000 }
    const { events } = run({ ...READ, cut } as RunInput, metadata(201_000, 50_000))
    expect(cuts(events).at(-1)).toEqual({ type: 'cut', originalBytes: 1_200_000, cutBytes: 50_000 })
  })

  test('are not said where nothing is missing', () => {
    expect(cuts(run(READ).events)).toEqual([])
  })
})

test('time left is known once there is a speed, and is what the rest may take at most', () => {
  let { state } = begin(0)
  const put = (input: RunInput, now: number): readonly WritingEvent[] => {
    const step = advance(state, input, now, MAX_TOKENS)
    state = step.state
    return step.events
  }
  put(READ, 10)
  put(content('x'.repeat(400)), 1_000)
  expect(put({ type: 'tick' }, 1_000 + SPEED_AFTER_MS - 1)).toContainEqual(
    expect.objectContaining({ type: 'progress', tokens: 100, remainingMs: null })
  )
  expect(put({ type: 'tick' }, 1_000 + SPEED_AFTER_MS)).toContainEqual(
    expect.objectContaining({ type: 'progress', remainingMs: 9 * SPEED_AFTER_MS })
  )
})

test.each([
  [[], 'Stopped'],
  [[READ], 'Stopped'],
  [[READ, content('12345678')], 'Stopped (2 tokens)']
] as const)('stopped: %#', (before, text) => {
  const { state, events } = run(...before, { type: 'stop' })
  expect(state.phase).toBe('stopped')
  expect(phases(events).at(-1)).toBe(text)
})

test('a failure says what happened and when to try again', () => {
  const failed = { type: 'failed', code: 'RATE_LIMITED', text: 'Too many.', retryAfterMs: 7_000 } as const
  const { events } = run(READ, { ...failed, type: 'fail' })
  expect(events.slice(-2)).toEqual([{ type: 'phase', phase: 'failed', text: 'Too many.' }, failed])
})

test('how many places were made harmless is said once for each number', () => {
  const { events } = run(READ, ...[0, 1, 1, 2].map((count) => ({ type: 'neutralised', count }) as const))
  expect(events.filter(({ type }) => type === 'neutralised')).toEqual([
    { type: 'neutralised', count: 1 },
    { type: 'neutralised', count: 2 }
  ])
})

const ORDER = ['reading', 'preparing', 'writing', 'done']
const anyInput: fc.Arbitrary<RunInput> = fc.oneof(
  fc.constant<RunInput>(READ),
  fc.string({ maxLength: 20 }).map(content),
  fc.nat(500).map(usage),
  fc.constantFrom<RunInput>(complete(), complete('length'), { type: 'tick' }, { type: 'shown' }, { type: 'stop' }),
  fc.constantFrom<RunInput>(
    status('thinking'),
    status('retrying', 'again'),
    status('connecting'),
    status('generating')
  ),
  fc.nat(3).map((count): RunInput => ({ type: 'neutralised', count })),
  fc.constant<RunInput>({ type: 'fail', code: 'X', text: 'x.', retryAfterMs: null })
)

test('in whatever order things happen: phases go forward, there is one end, and nothing is said after it', () => {
  fc.assert(
    fc.property(fc.array(anyInput, { maxLength: 30 }), (inputs) => {
      let state = begin(0).state
      let tokens = 0
      let ends = 0
      for (const [index, input] of inputs.entries()) {
        const before = state
        const step = advance(state, input, index * 700, MAX_TOKENS)
        state = step.state
        if (isOver(before)) {
          expect(step).toEqual({ state: before, events: [] })
          continue
        }
        for (const event of step.events) {
          if (event.type === 'progress' && !isOver(state)) {
            expect(event.tokens).toBeGreaterThanOrEqual(tokens)
            tokens = event.tokens
          }
        }
        if (isOver(state)) ends += 1
        else expect(ORDER.indexOf(state.phase)).toBeGreaterThanOrEqual(ORDER.indexOf(before.phase))
        // What failed has one event that says so, and nothing else has.
        expect(step.events.filter(({ type }) => type === 'failed')).toHaveLength(state.phase === 'failed' ? 1 : 0)
      }
      expect(ends).toBeLessThanOrEqual(1)
    })
  )
})
