/** Why there is no diff; each with a text that says what to do. */
export type DiffErrorCode =
  /** No source of it may be asked: the policy has no grant, and the page's own has failed or does not exist. */
  | 'NOT_GRANTED'
  /** The token, or the session, is not accepted. */
  | 'NOT_SIGNED_IN'
  /** It is accepted, and may not read this. */
  | 'NOT_ALLOWED'
  | 'NOT_FOUND'
  | 'RATE_LIMITED'
  | 'TOO_LARGE'
  /** Something came, and it is no diff. */
  | 'NOT_A_DIFF'
  /** The two branches do not differ. */
  | 'EMPTY'
  | 'SITE_FAILED'
  | 'UNREACHABLE'

/** What `readPullRequest` rejects with, unless it was aborted. Its text has no word of the diff, and no secret. */
export class DiffError extends Error {
  override readonly name = 'DiffError'
  /** One of these, or the code of Longwire's own error. */
  readonly code: string
  readonly retryAfterMs: number | null

  constructor(code: DiffErrorCode | (string & {}), text: string, retryAfterMs: number | null = null, cause?: unknown) {
    super(text, cause === undefined ? undefined : { cause })
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}
