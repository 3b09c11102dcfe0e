/** What a caller can do about a failure. */
export type ErrorCategory =
  /** No connection, or it broke. */
  | 'NETWORK'
  /** Something took longer than it may. */
  | 'TIMEOUT'
  /** The server answered, and not with what was asked for. */
  | 'SERVER'
  /** What came is not in the format that it should be in, or is larger than it may be. */
  | 'PARSE'
  /** The page, or the user, stopped it. */
  | 'CANCELLED'
  /** Every attempt failed; `cause` is the last one's error. */
  | 'MAX_RETRIES_EXCEEDED'
  /** Longwire's policy does not allow it. */
  | 'POLICY'
  /** Not authenticated, or not allowed to by the server. */
  | 'AUTH'
  /** Too many requests; `retryAfter` says when, if the server did. */
  | 'RATE_LIMITED'

interface CodeInfo {
  readonly category: ErrorCategory
  /** The same request, sent again later and unchanged, may succeed. Not: sending it again is safe. */
  readonly retryable: boolean
}

/** The codes of this library. Those of Longwire itself (`UPSTREAM_RESET` …) are passed on beside them. */
const CODES = {
  /** `fetch` rejected: no connection, no CORS headers, no network. */
  FETCH_FAILED: { category: 'NETWORK', retryable: true },
  /** The connection broke inside the body. */
  BODY_FAILED: { category: 'NETWORK', retryable: true },
  /** The body ended in order, but without the event that was to end it. */
  ENDED_EARLY: { category: 'NETWORK', retryable: true },
  HEADERS_TIMEOUT: { category: 'TIMEOUT', retryable: true },
  /** No byte for too long. */
  STALLED: { category: 'TIMEOUT', retryable: true },
  /** Bytes, but for too long none that mean anything: comments and pings only. */
  STALLED_EVENTS: { category: 'TIMEOUT', retryable: true },
  TOTAL_TIMEOUT: { category: 'TIMEOUT', retryable: false },
  /** A status that is no success; `status` and `body` tell which. */
  HTTP_STATUS: { category: 'SERVER', retryable: false },
  /** The server reported an error inside the stream. */
  ERROR_EVENT: { category: 'SERVER', retryable: false },
  /** A repeated request brought other events than those that were already delivered. */
  REPLAY_DIFFERS: { category: 'SERVER', retryable: false },
  CONTENT_TYPE: { category: 'PARSE', retryable: false },
  /** A web page where a stream should be: a login form, a proxy's error page. */
  HTML: { category: 'PARSE', retryable: false },
  BAD_JSON: { category: 'PARSE', retryable: false },
  TOO_LARGE: { category: 'PARSE', retryable: false },
  ABORTED: { category: 'CANCELLED', retryable: false },
  MAX_RETRIES_EXCEEDED: { category: 'MAX_RETRIES_EXCEEDED', retryable: false },
  NOT_AUTHENTICATED: { category: 'AUTH', retryable: false }
} as const satisfies Record<string, CodeInfo>

export type ClientErrorCode = keyof typeof CODES

/** What is known of a failure beyond its code. */
export interface ErrorDetails {
  readonly category?: ErrorCategory
  readonly retryable?: boolean
  /** Of the response, if there was one. */
  readonly status?: number | undefined
  /** What the server asks to wait, milliseconds. */
  readonly retryAfter?: number | undefined
  /** The beginning of what the server said: of an error's body, or of the event that cannot be read. */
  readonly body?: string | undefined
  readonly cause?: unknown
}

/** Everything that this library fails with, save misuse of its arguments (a TypeError, as from `fetch`). */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly code: string
  readonly category: ErrorCategory
  /** The same request, sent again later and unchanged, may succeed. Not: sending it again is safe. */
  readonly retryable: boolean
  readonly status: number | undefined
  readonly retryAfter: number | undefined
  readonly body: string | undefined

  constructor(code: ClientErrorCode | (string & {}), message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    const info: CodeInfo | undefined = Object.hasOwn(CODES, code) ? CODES[code as ClientErrorCode] : undefined
    this.code = code
    this.category = details.category ?? info?.category ?? 'NETWORK'
    this.retryable = details.retryable ?? info?.retryable ?? false
    this.status = details.status
    this.retryAfter = details.retryAfter
    this.body = details.body
  }
}
