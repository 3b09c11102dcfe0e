import type { StreamError } from './errors'
import { neverSent } from './failure'
import { checkOptions, type Names } from './options'
import { clampDelay } from './waiting'

/** How a failed request is sent again. */
export interface RetryOptions {
  /** Further attempts after the first, 3 by default. */
  retries?: number
  /** Milliseconds before the first of them, doubled with each, 1,000 by default. The server's `retry` replaces it. */
  delay?: number
  /** The longest delay of its own, milliseconds, 10,000 by default. */
  maxDelay?: number
  /** Part of the delay by which it varies, 0 to 1, 0.25 by default. */
  jitter?: number
  /** The longest delay that a server may ask for, milliseconds, 60,000 by default. Longer: failed, with `retryAfter`. */
  maxRetryAfter?: number
  /**
   * When a request that is not idempotent may be sent again.
   *
   * - `safe` (default): while it is certain that it took no effect: it was never sent, or refused (429, 503 …)
   * - `unanswered`: as long as no byte of an answer has come
   * - `always`: the caller answers for it
   *
   * Requests that are idempotent, carry an Idempotency-Key or resume by `Last-Event-ID` may always be.
   */
  resend?: 'safe' | 'unanswered' | 'always'
}

/** What decides whether a request may be sent again. */
export interface Sent {
  readonly method: string
  readonly headers: Headers
  /** Its body is still there. */
  readonly repeatable: boolean
  /** The next attempt begins behind the last event that came. */
  readonly resumes: boolean
  /** Bytes of an answer have come. */
  readonly answered: boolean
}

const DEFAULTS = {
  retries: 3,
  delay: 1000,
  maxDelay: 10_000,
  jitter: 0.25,
  maxRetryAfter: 60_000,
  resend: 'safe'
} as const satisfies RetryOptions

const NAMES: Names<RetryOptions> = { retries: 0, delay: 0, maxDelay: 0, jitter: 0, maxRetryAfter: 0, resend: 0 }

export type RetryRules = Required<RetryOptions>

/** @throws {TypeError} a value that is none */
export function retryRules(options: RetryOptions | false | undefined): RetryRules {
  const rules: RetryRules = { ...DEFAULTS }
  if (options === false) return { ...rules, retries: 0 }
  checkOptions(options ?? {}, NAMES, '`retry`')
  for (const [name, value] of Object.entries(options ?? {})) {
    if (value === undefined) continue
    const valid = name === 'resend' ? RESEND.has(value) : typeof value === 'number' && value >= 0
    if (!valid) throw new TypeError(`\`retry.${name}\` cannot be ${String(value)}`)
    Object.assign(rules, { [name]: value })
  }
  return rules
}

const RESEND: ReadonlySet<unknown> = new Set(['safe', 'unanswered', 'always'])

/** RFC 9110 §9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
const IDEMPOTENCY_KEYS = ['idempotency-key', 'x-idempotency-key']

/** Statuses by which a server says that it has not even begun. */
const REFUSED: ReadonlySet<number | undefined> = new Set([425, 429, 503, 529])

/** Whether sending the request again can neither repeat an effect nor is certain to fail. */
export function mayResend(error: StreamError, sent: Sent, rules: RetryRules): boolean {
  if (!sent.repeatable) return false
  // A body that is still there did not fail by itself: the connection broke while it was being sent.
  const uploading = error.code === 'UPLOAD_FAILED' && error.category === 'NETWORK'
  if (!error.retryable && !uploading) return false
  if (rules.resend === 'always' || sent.resumes) return true
  if (IDEMPOTENT.has(sent.method.toUpperCase())) return true
  if (IDEMPOTENCY_KEYS.some((name) => sent.headers.has(name))) return true
  if (sent.answered) return false
  return rules.resend === 'unanswered' || neverSent(error) || REFUSED.has(error.status)
}

/**
 * Milliseconds before the next attempt, null if the server asks for longer than the rules allow.
 *
 * @param retry which one: 1 is the first after a failure
 * @param serverDelay the `retry` field of the event stream, milliseconds
 */
export function delayBefore(
  retry: number,
  error: StreamError,
  rules: RetryRules,
  serverDelay?: number,
  random: () => number = Math.random
): number | null {
  if (error.retryAfter !== undefined)
    return error.retryAfter <= rules.maxRetryAfter ? clampDelay(error.retryAfter) : null
  const base = serverDelay ?? rules.delay
  const grown = Math.min(base * 2 ** (retry - 1), Math.max(rules.maxDelay, serverDelay ?? 0))
  return clampDelay(Math.round(grown * (1 + rules.jitter * (2 * random() - 1))))
}

/**
 * What a response asks to wait, milliseconds: `Retry-After` in seconds or as a date in each form of RFC 9110 §5.6.7, or
 * `Retry-After-Ms`. Undefined where there is none, or none that can be read.
 *
 * A date counts from the server's own `Date`, if it tells that, so that a wrong clock on either side does no harm.
 */
export function retryAfter(headers: Headers, now: number = Date.now()): number | undefined {
  const precise = headers.get('retry-after-ms')?.trim()
  if (precise !== undefined && /^\d+(?:\.\d+)?$/.test(precise)) return Math.ceil(Number(precise))
  const given = headers.get('retry-after')?.trim()
  if (given === undefined) return undefined
  if (/^\d+(?:\.\d+)?$/.test(given)) return Math.ceil(Number(given) * 1000)
  const date = parseDate(given)
  if (date === undefined) return undefined
  return Math.max(0, date - (parseDate(headers.get('date') ?? '') ?? now))
}

function parseDate(text: string): number | undefined {
  // Date.parse takes almost anything, such as "-1" or "5 apples"; every date of HTTP begins with the day of the week.
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(text)) return undefined
  // asctime names no zone, and means GMT.
  const date = Date.parse(/GMT$/.test(text) ? text : `${text} GMT`)
  return Number.isNaN(date) ? undefined : date
}
