import { type ErrorCategory, StreamError } from './errors'
import { errorOf, type StreamEvent } from './event-payload'

/** What no waiting mends. */
const FINAL = /^(?:insufficient_|billing_|quota_exceeded$)/

/** Codes of vendors, and those of Longwire's host where it speaks for one. */
const KINDS: readonly (readonly [RegExp, ErrorCategory])[] = [
  [/rate_?limit|^LIMIT_EXCEEDED$/i, 'RATE_LIMITED'],
  [/^authentication/i, 'AUTH'],
  [/^UPSTREAM_|^ENDED_EARLY$/, 'NETWORK'],
  [/_TIMEOUT$/, 'TIMEOUT']
]

/** The error that a server reports inside a stream, with what it says of it. */
export function reportedError(event: StreamEvent): StreamError {
  const error = errorOf(event.data)
  const code = codeOf(error)
  const retryAfter = waitOf(error)
  const stated = error['retryable']
  const text = typeof error['message'] === 'string' ? error['message'] : event.raw.slice(0, 200)
  return new StreamError(code ?? 'ERROR_EVENT', `The server reports an error${text === '' ? '' : `: ${text}`}`, {
    category: KINDS.find(([codes]) => codes.test(code ?? ''))?.[1] ?? 'SERVER',
    retryable: !isFinal(code) && (typeof stated === 'boolean' ? stated : retryAfter !== undefined),
    retryAfter,
    body: event.raw
  })
}

/** Whether the body of an HTTP error says that asking again is in vain: a quota that is used up is a 429 too. */
export function saysFinal(body: string): boolean {
  try {
    const value: unknown = JSON.parse(body)
    return isFinal(codeOf(errorOf(value)))
  } catch {
    return false
  }
}

function isFinal(code: string | undefined): boolean {
  return code !== undefined && FINAL.test(code)
}

function codeOf(error: Readonly<Record<string, unknown>>): string | undefined {
  const { code, type } = error
  if ((typeof code === 'string' && code !== '') || typeof code === 'number') return String(code)
  return typeof type === 'string' && type !== 'error' && type !== '' ? type : undefined
}

/** Milliseconds. */
function waitOf(error: Readonly<Record<string, unknown>>): number | undefined {
  const exact = amount(error['retry_after_ms'] ?? error['retryAfterMs'])
  if (exact !== undefined) return Math.ceil(exact)
  // Seconds, as in the header.
  const seconds = amount(error['retry_after'] ?? error['retryAfter'])
  return seconds === undefined ? undefined : Math.ceil(seconds * 1000)
}

function amount(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value
  return typeof number === 'number' && number >= 0 ? number : undefined
}
