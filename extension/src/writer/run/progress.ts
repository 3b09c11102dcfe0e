// One run of the writer, as what happens to it and what it says of that. No clock, no network, no document: `now` is given,
// and what has to be done about it is run.ts.

import type { AnyGenerationEvent, CompleteEvent } from '../../client/generation'
import { sentence } from '../../shared/text'
import type { DiffStats, Phase, WritingEvent } from '../model'

/** What a generation says, without what names it in the log. */
type Said<Event> = Event extends unknown ? Omit<Event, 'requestId'> : never

/** How much of a diff is left where not all of it can be sent. */
export interface Cut {
  readonly originalBytes: number
  readonly cutBytes: number
}

/** What happens to a run. */
export type RunInput =
  | { readonly type: 'read'; readonly title: string; readonly diffStats: DiffStats; readonly cut: Cut | null }
  | { readonly type: 'generation'; readonly event: Said<AnyGenerationEvent> }
  | { readonly type: 'neutralised'; readonly count: number }
  | { readonly type: 'tick' }
  /** The model said that this was all, and all of it is shown. */
  | { readonly type: 'shown' }
  | { readonly type: 'stop' }
  | { readonly type: 'fail'; readonly code: string; readonly text: string; readonly retryAfterMs: number | null }

export interface RunState {
  readonly phase: Phase
  /** What was said of the phase last. */
  readonly text: string
  readonly startedAt: number
  /** When the first of the text came; null before. */
  readonly writingSince: number | null
  /** Characters of the answer so far. */
  readonly characters: number
  /** Tokens, by the provider's count or the host's; null before there is one. */
  readonly counted: number | null
  /** The most tokens that were told. They never go down while it writes. */
  readonly tokens: number
  readonly neutralised: number
  readonly cut: Cut | null
  readonly complete: Said<CompleteEvent> | null
}

export interface Step {
  readonly state: RunState
  readonly events: readonly WritingEvent[]
}

/** What a model's token is in English text, on average. Only where nobody has counted yet. */
const CHARACTERS_PER_TOKEN = 4

/** How long a model has to have written before its speed says how long it will go on. */
export const SPEED_AFTER_MS = 2_000

const ENDS: ReadonlySet<Phase> = new Set(['done', 'stopped', 'failed'])

/** Whether nothing more comes. */
export function isOver(state: Pick<RunState, 'phase'>): boolean {
  return ENDS.has(state.phase)
}

/** A run begins. */
export function begin(now: number): Step {
  const state: RunState = {
    phase: 'reading',
    text: 'Reading the pull request…',
    startedAt: now,
    writingSince: null,
    characters: 0,
    counted: null,
    tokens: 0,
    neutralised: 0,
    cut: null,
    complete: null
  }
  return { state, events: [{ type: 'phase', phase: state.phase, text: state.text }] }
}

/**
 * The next state, and what is to be said of it. A run that is over stays so, whatever comes.
 *
 * @param now milliseconds, of any clock that does not go back
 * @param maxTokens how long the answer may be
 */
export function advance(state: RunState, input: RunInput, now: number, maxTokens: number): Step {
  if (isOver(state)) return { state, events: [] }
  switch (input.type) {
    case 'read':
      return wasRead(state, input)
    case 'generation':
      return heard(state, input.event, now)
    case 'neutralised':
      if (input.count === state.neutralised) return { state, events: [] }
      return {
        state: { ...state, neutralised: input.count },
        events: [{ type: 'neutralised', count: input.count }]
      }
    case 'tick':
      return ticked(state, now, maxTokens)
    case 'shown':
      return state.complete === null ? { state, events: [] } : finished(state, state.complete, now)
    case 'stop':
      return ended(state, 'stopped', stoppedText(state), now)
    case 'fail': {
      const { code, text, retryAfterMs } = input
      const step = ended(state, 'failed', text, now)
      return { state: step.state, events: [...step.events, { type: 'failed', code, text, retryAfterMs }] }
    }
  }
}

function wasRead(state: RunState, input: Extract<RunInput, { type: 'read' }>): Step {
  if (state.phase !== 'reading') return { state, events: [] }
  const { title, diffStats, cut } = input
  const step = to({ ...state, cut }, 'preparing', PREPARING)
  const told: WritingEvent[] = cut === null ? [] : [{ type: 'cut', ...cut }]
  return { state: step.state, events: [{ type: 'pr_data', title, diffStats }, ...told, ...step.events] }
}

const PREPARING = 'Preparing…'

function heard(state: RunState, event: Said<AnyGenerationEvent>, now: number): Step {
  switch (event.type) {
    case 'metadata':
      return cutByHost(state, event)
    case 'status':
      return waited(state, event)
    case 'content': {
      if (event.text === '') return { state, events: [] }
      const written = counted({ ...state, characters: state.characters + event.text.length })
      if (state.writingSince !== null) return { state: written, events: [] }
      const begun = { ...written, writingSince: now }
      return to(begun, 'writing', writingText(begun))
    }
    case 'usage':
      return event.outputTokens === undefined
        ? { state, events: [] }
        : { state: counted({ ...state, counted: event.outputTokens }), events: [] }
    case 'complete':
      return { state: { ...state, complete: event }, events: [] }
    default:
      // What it thinks is not shown, tools it has none, and an error comes as a `fail` too.
      return { state, events: [] }
  }
}

/** The host cuts to what the provider takes, which may be less than what was sent. */
function cutByHost(state: RunState, event: Extract<Said<AnyGenerationEvent>, { type: 'metadata' }>): Step {
  const { truncated, originalSize, truncatedSize } = event
  if (truncated !== true || originalSize === undefined || truncatedSize === undefined) return { state, events: [] }
  const cut = { originalBytes: Math.max(originalSize, state.cut?.originalBytes ?? 0), cutBytes: truncatedSize }
  return { state: { ...state, cut }, events: [{ type: 'cut', ...cut }] }
}

/** Between the request and the first word: why it takes long, as far as somebody says it. */
function waited(state: RunState, event: Extract<Said<AnyGenerationEvent>, { type: 'status' }>): Step {
  if (state.phase !== 'preparing') return { state, events: [] }
  switch (event.phase) {
    case 'thinking':
      return to(state, 'preparing', 'Thinking…')
    case 'retrying':
    case 'switching_provider':
      return to(state, 'preparing', sentence(event.message))
    default:
      return to(state, 'preparing', PREPARING)
  }
}

function ticked(state: RunState, now: number, maxTokens: number): Step {
  const { state: next, events } = state.phase === 'writing' ? to(state, 'writing', writingText(state)) : to(state)
  const remainingMs = remaining(next, now, maxTokens)
  const progress: WritingEvent = { type: 'progress', tokens: next.tokens, elapsedMs: now - next.startedAt, remainingMs }
  return { state: next, events: [...events, progress] }
}

function finished(state: RunState, complete: Said<CompleteEvent>, now: number): Step {
  // The provider's count rules, also where the guess was higher.
  const tokens = complete.usage.outputTokens ?? state.tokens
  const note = NOTES[complete.finishReason] ?? ''
  return ended({ ...state, tokens }, 'done', `Done (${tokensText(tokens)})${note}`, now)
}

const NOTES: Partial<Record<CompleteEvent['finishReason'], string>> = {
  length: '. It is as long as an answer may be, so its end is missing',
  content_filter: '. The provider’s filter left something out'
}

function stoppedText(state: RunState): string {
  return state.writingSince === null ? 'Stopped' : `Stopped (${tokensText(state.tokens)})`
}

function ended(state: RunState, phase: Phase, text: string, now: number): Step {
  const step = to(state, phase, text)
  const progress: WritingEvent = {
    type: 'progress',
    tokens: step.state.tokens,
    elapsedMs: now - state.startedAt,
    remainingMs: null
  }
  return { state: step.state, events: [progress, ...step.events] }
}

/** Said only where it is news. */
function to(state: RunState, phase: Phase = state.phase, text: string = state.text): Step {
  if (phase === state.phase && text === state.text) return { state, events: [] }
  return { state: { ...state, phase, text }, events: [{ type: 'phase', phase, text }] }
}

function counted(state: RunState): RunState {
  const guessed = Math.ceil(state.characters / CHARACTERS_PER_TOKEN)
  return { ...state, tokens: Math.max(state.tokens, state.counted ?? guessed) }
}

/** The most that it can take at the speed so far, milliseconds: nobody knows how long a text will be. */
function remaining(state: RunState, now: number, maxTokens: number): number | null {
  if (state.phase !== 'writing' || state.writingSince === null) return null
  const elapsed = now - state.writingSince
  if (elapsed < SPEED_AFTER_MS || state.tokens === 0) return null
  return (Math.max(0, maxTokens - state.tokens) / state.tokens) * elapsed
}

function writingText(state: RunState): string {
  return `Writing (${tokensText(state.tokens)})…`
}

/** `1 token`, `1,234 tokens`. */
export function tokensText(tokens: number): string {
  return `${tokens.toLocaleString('en')} ${tokens === 1 ? 'token' : 'tokens'}`
}
