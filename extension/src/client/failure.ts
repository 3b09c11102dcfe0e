import { type ErrorCategory, StreamError } from './errors'

/** The categories of Longwire's own errors, where they have another name here. */
const CATEGORIES: Readonly<Record<string, ErrorCategory>> = {
  NETWORK: 'NETWORK',
  TIMEOUT: 'TIMEOUT',
  SERVER: 'SERVER',
  POLICY: 'POLICY',
  // The bridge is broken, not the page's request.
  PROTOCOL: 'NETWORK',
  CANCELLED: 'CANCELLED'
}

interface LongwireFailure {
  readonly code: string
  readonly category: string
  readonly phase: string
  readonly retryable: boolean
}

/** A LongwireError, known by its parts: it comes from a script of the extension, whose class is not this module's. */
export function longwireFailure(error: unknown): LongwireFailure | null {
  const { code, category, phase, retryable } = (error ?? {}) as Partial<LongwireFailure>
  const known = typeof code === 'string' && typeof category === 'string' && typeof retryable === 'boolean'
  return known ? { code, category, phase: String(phase), retryable } : null
}

/**
 * What a fetch or a body failed with, as an error of this library.
 *
 * @param where `fetch`: before the headers; `body`: after them
 */
export function asStreamError(error: unknown, where: 'fetch' | 'body'): StreamError {
  if (error instanceof StreamError) return error
  const message = error instanceof Error ? error.message : String(error)
  const longwire = longwireFailure(error)
  if (longwire !== null) {
    const { code, retryable } = longwire
    // Too many at once, or too many a minute: the only limit that time lifts.
    const category = code === 'LIMIT_EXCEEDED' ? 'RATE_LIMITED' : CATEGORIES[longwire.category]
    return new StreamError(code, message, { category: category ?? 'NETWORK', retryable, cause: error })
  }
  if (error instanceof DOMException && error.name === 'AbortError') {
    return new StreamError('ABORTED', message, { cause: error })
  }
  if (where === 'fetch') {
    return new StreamError('FETCH_FAILED', `The request failed before an answer came: ${message}`, { cause: error })
  }
  return new StreamError('BODY_FAILED', `The connection broke inside the answer: ${message}`, { cause: error })
}

/**
 * Whether trying again is pointless however long one waits, for reasons that no network has: a policy, a user who stopped
 * it, a host that is not there.
 */
export function isFutile(error: unknown): boolean {
  const failure = longwireFailure(error)
  if (failure === null || failure.retryable) return false
  return FUTILE.has(failure.category) || failure.code === 'HOST_UNAVAILABLE'
}

const FUTILE: ReadonlySet<string> = new Set(['POLICY', 'PROTOCOL', 'CANCELLED'])

/** The way to the host broke, or the host: what is durable goes on behind it. */
export function isBridgeFailure({ code, retryable }: StreamError): boolean {
  return retryable && BRIDGE_FAILURES.has(code)
}

const BRIDGE_FAILURES: ReadonlySet<string> = new Set(['BRIDGE_LOST', 'HOST_LOST', 'HOST_UNAVAILABLE'])

/**
 * Whether the request never got as far as a server, so that sending it again repeats nothing. Only the phase can say so: a
 * server may have acted on a request and then redirected it to where no connection could be made.
 */
export function neverSent(error: StreamError): boolean {
  const phase = longwireFailure(error.cause)?.phase
  return phase === 'connect' || phase === 'policy'
}
