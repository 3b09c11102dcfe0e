import { type Category, ERRORS, type ErrorCode, type Phase } from '../protocol/errors'
import { hasOwn, NativeTypeError } from './builtins'

interface Details {
  /** What the host says of this occurrence; without it, what is true of the code. */
  readonly retryable?: boolean
  /** With GAP: the first byte that is still kept. */
  readonly first?: number | undefined
  /** Somebody else's error that this one is a consequence of. */
  readonly cause?: unknown
}

/**
 * Chromium's words for a fetch that failed. Libraries that try again tell such a failure from a mistake in the calling
 * code by exactly these words at the beginning, and by the name `TypeError`. What is in brackets is ours.
 */
const FETCH_FAILED = 'Failed to fetch'

/** Trying again cannot help against these, and nobody is to be led to try. */
const isRefusal = (category: Category) => category === 'POLICY' || category === 'PROTOCOL' || category === 'CANCELLED'

/**
 * What `longwire.fetch` rejects with and what its bodies error with. A TypeError in name and class, because that is what
 * the browser's own fetch fails with and what existing code catches; `code` is what tells it from one.
 */
export class LongwireError extends NativeTypeError {
  readonly code: ErrorCode
  readonly category: Category
  /** How far the exchange had come. */
  readonly phase: Phase
  /** The same request, sent again later and unchanged, may succeed. Not: sending it again is safe. */
  readonly retryable: boolean
  /** With GAP: the first byte that is still kept. */
  declare readonly first?: number

  constructor(code: ErrorCode, message: string, phase: Phase, details?: Details) {
    const info = ERRORS[code]
    const words = isRefusal(info.category) ? message : `${FETCH_FAILED} (${message})`
    // A polluted Object.prototype would answer for what is not there.
    if (details !== undefined && hasOwn(details, 'cause')) super(words, details)
    else super(words)
    this.code = code
    this.category = info.category
    this.phase = phase
    this.retryable = details !== undefined && hasOwn(details, 'retryable') ? details.retryable === true : info.retryable
    if (details !== undefined && hasOwn(details, 'first')) this.first = details.first as number
  }
}
