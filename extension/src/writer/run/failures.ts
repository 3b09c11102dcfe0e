// What a person can do about a run that failed. The host says what happened; this says what to do.

import { sentence } from '../../shared/text'

/** What a run failed with. */
export interface RunFailure {
  readonly code: string
  readonly text: string
  /** When it is worth another try; null where nobody said, or where waiting does not help. */
  readonly retryAfterMs: number | null
}

/** A failure of the writer's own, whose text is whole. */
export class WriterError extends Error {
  override readonly name = 'WriterError'
  readonly code: WriterCode

  constructor(code: WriterCode, message: string) {
    super(message)
    this.code = code
  }
}

export type WriterCode = 'EDITOR_GONE' | 'ENDED_EARLY' | 'NO_PROVIDER' | 'PROVIDER_NOT_OFFERED' | 'NO_TEXT' | 'TOO_LONG'

const SETTINGS = 'Choose another provider or model in the settings.'

/** To the host's words, by its code. What has no line says it all by itself. */
const ADVICE: Readonly<Record<string, string>> = {
  RATE_LIMITED: 'Write again later, or choose another provider in the settings.',
  OVERLOADED: 'Write again later, or choose another provider in the settings.',
  QUOTA_EXCEEDED: SETTINGS,
  AUTHENTICATION: 'Have the key in the policy corrected.',
  PROVIDER_UNAVAILABLE: 'Write again later, or choose another provider in the settings.',
  CONTEXT_TOO_LONG: 'Choose a model that takes more in the settings.',
  CONTENT_FILTERED: SETTINGS,
  MODEL_UNKNOWN: SETTINGS,
  GENERATION_FAILED: 'Write again.',
  ENDED_EARLY: 'What is there stays. Write again for a whole one.',
  BRIDGE_LOST: 'Reload this page.',
  HOST_LOST: 'Write again.',
  UPSTREAM_RESET: 'Write again.',
  IDLE_TIMEOUT: 'Write again.',
  TOTAL_TIMEOUT: 'Write again.'
}

/** What was thrown, to a person. */
export function failureOf(error: unknown): RunFailure {
  if (!(error instanceof Error)) return { code: 'UNKNOWN', text: sentence(String(error)), retryAfterMs: null }
  // The library's errors say it as the standard's header does, the diff's as this file; both in milliseconds.
  const { code, retryAfter, retryAfterMs = retryAfter } = error as Partial<Record<string, unknown>> & Error
  const known = typeof code === 'string' ? code : error.name
  const said = sentence(error.message === '' ? error.name : error.message)
  const advice = Object.hasOwn(ADVICE, known) ? ADVICE[known] : undefined
  return {
    code: known,
    text: advice === undefined || said.includes(advice) ? said : `${said} ${advice}`,
    retryAfterMs: typeof retryAfterMs === 'number' && retryAfterMs > 0 ? retryAfterMs : null
  }
}
