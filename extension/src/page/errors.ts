import { type Category, ERRORS, type ErrorCode, type Phase } from '../protocol/errors'
import { hasOwn, NativeTypeError } from './builtins'

interface Details {
  /** What the host says of this occurrence; without it, what is true of the code. */
  readonly retryable?: boolean
  /** Somebody else's error that this one is a consequence of. */
  readonly cause?: unknown
}

/**
 * What `longwire.fetch` rejects with and what its bodies error with. A TypeError, because that is what the browser's own
 * fetch fails with and what existing code catches.
 */
export class LongwireError extends NativeTypeError {
  override readonly name = 'LongwireError'
  readonly code: ErrorCode
  readonly category: Category
  /** How far the exchange had come. */
  readonly phase: Phase
  /** The same request, sent again later and unchanged, may succeed. Not: sending it again is safe. */
  readonly retryable: boolean

  constructor(code: ErrorCode, message: string, phase: Phase, details?: Details) {
    // A polluted Object.prototype would answer for what is not there.
    if (details !== undefined && hasOwn(details, 'cause')) super(message, details)
    else super(message)
    const info = ERRORS[code]
    this.code = code
    this.category = info.category
    this.phase = phase
    this.retryable = details !== undefined && hasOwn(details, 'retryable') ? details.retryable === true : info.retryable
  }
}
