// What the panel shows, of what a run said and a person did. No document and no clock: panel.ts draws it.

import { formatBytes, formatDuration } from '../../shared/format'
import type { DiffStats, Phase, WritingEvent } from '../model'

export type Tone = 'plain' | 'busy' | 'good' | 'bad'

export interface PanelState {
  /** Null before the first run. */
  readonly phase: Phase | null
  readonly text: string
  readonly stats: DiffStats | null
  readonly cut: { readonly originalBytes: number; readonly cutBytes: number } | null
  readonly progress: { readonly elapsedMs: number; readonly remainingMs: number | null } | null
  readonly neutralised: number
  /** Until when another try is refused, on the clock of `now`. */
  readonly retryAt: number | null
  /** Words of a person's stand where the writer writes, and they were asked whether it may replace them. */
  readonly asks: boolean
  /** There is a text that could not be shown. */
  readonly copyable: boolean
}

export const IDLE: PanelState = {
  phase: null,
  text: '',
  stats: null,
  cut: null,
  progress: null,
  neutralised: 0,
  retryAt: null,
  asks: false,
  copyable: false
}

/** What stands in the panel. */
export interface PanelView {
  /** Null while it runs or asks. */
  readonly start: { readonly text: string; readonly enabled: boolean } | null
  readonly stop: boolean
  readonly asks: boolean
  readonly tone: Tone
  /** How far it is; empty before the first run. */
  readonly line: string
  /** Time, beside the line. */
  readonly figures: string
  readonly stats: { readonly added: string; readonly deleted: string; readonly files: string } | null
  readonly notes: readonly string[]
  readonly copy: boolean
  /** For a screen reader, which is not told of every token. */
  readonly spoken: string
}

const RUNNING: ReadonlySet<Phase> = new Set(['reading', 'preparing', 'writing'])

/** Whether a run goes on. */
export function isRunning(state: PanelState): boolean {
  return state.phase !== null && RUNNING.has(state.phase)
}

/** Whether a click may begin a run now. */
export function mayStart(state: PanelState, now: number): boolean {
  return !isRunning(state) && !(state.retryAt !== null && state.retryAt > now)
}

/** A run said something. */
export function heard(state: PanelState, event: WritingEvent, now: number): PanelState {
  switch (event.type) {
    case 'phase': {
      const { phase, text } = event
      // With the first word of a run the one before is forgotten.
      return phase === 'reading' ? { ...IDLE, phase, text } : { ...state, phase, text }
    }
    case 'pr_data':
      return { ...state, stats: event.diffStats }
    case 'cut':
      return { ...state, cut: { originalBytes: event.originalBytes, cutBytes: event.cutBytes } }
    case 'progress':
      return { ...state, progress: { elapsedMs: event.elapsedMs, remainingMs: event.remainingMs } }
    case 'neutralised':
      return { ...state, neutralised: event.count }
    case 'failed':
      return {
        ...state,
        retryAt: event.retryAfterMs === null ? null : now + event.retryAfterMs,
        copyable: event.code === 'EDITOR_GONE'
      }
  }
}

export function viewOf(state: PanelState, now: number): PanelView {
  const running = isRunning(state)
  const wait = state.retryAt === null ? 0 : Math.max(0, state.retryAt - now)
  return {
    start: running || state.asks ? null : startOf(state, wait),
    stop: running,
    asks: state.asks,
    tone: toneOf(state.phase),
    line: state.text,
    figures: figuresOf(state, running),
    stats: statsOf(state.stats),
    notes: notesOf(state),
    copy: state.copyable,
    spoken: state.asks ? ASKS : spokenOf(state, wait)
  }
}

export const ASKS = 'Other text stands where the writer writes. Replace it?'

function startOf({ phase }: PanelState, wait: number): PanelView['start'] {
  const text = phase === null ? 'Write description' : 'Write again'
  // Rounded up: a button that says 0 s and does nothing would lie.
  return wait > 0
    ? { text: `${text} in ${formatDuration(Math.ceil(wait / 1_000) * 1_000)}`, enabled: false }
    : { text, enabled: true }
}

function toneOf(phase: Phase | null): Tone {
  switch (phase) {
    case 'done':
      return 'good'
    case 'failed':
      return 'bad'
    case null:
    case 'stopped':
      return 'plain'
    default:
      return 'busy'
  }
}

function figuresOf({ progress }: PanelState, running: boolean): string {
  if (progress === null) return ''
  const elapsed = formatDuration(progress.elapsedMs)
  if (!running || progress.remainingMs === null) return elapsed
  return `${elapsed} · at most ${formatDuration(Math.ceil(progress.remainingMs / 1_000) * 1_000)} left`
}

function statsOf(stats: DiffStats | null): PanelView['stats'] {
  if (stats === null) return null
  const [files, added, deleted] = [stats.files, stats.added, stats.deleted].map((count) => count.toLocaleString('en'))
  return { added: `+${added}`, deleted: `−${deleted}`, files: `in ${files} ${stats.files === 1 ? 'file' : 'files'}` }
}

function notesOf({ cut, neutralised }: PanelState): string[] {
  const notes: string[] = []
  if (cut !== null) {
    const [original, left] = [formatBytes(cut.originalBytes), formatBytes(cut.cutBytes)]
    notes.push(`The diff is large: of ${original} the model gets the most telling ${left}.`)
  }
  if (neutralised > 0) {
    const places = neutralised === 1 ? 'One place' : `${neutralised} places`
    notes.push(`${places} in the text would have done something when saved. Look for the marks, and decide yourself.`)
  }
  return notes
}

/** The line without its numbers, and what else is news. */
function spokenOf(state: PanelState, wait: number): string {
  if (state.phase === 'writing') return 'Writing…'
  if (state.retryAt !== null && wait === 0) return 'You can write again now.'
  return [state.text, ...(isRunning(state) ? [] : notesOf(state))].join(' ')
}
