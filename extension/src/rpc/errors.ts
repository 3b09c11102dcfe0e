interface CodeInfo {
  readonly retryable: boolean
  readonly text: string
}

/** The codes of this library; an application may use others beside them. */
const CODES = {
  ABORTED: { retryable: false, text: 'The sender aborted the stream' },
  BAD_INDEX: { retryable: false, text: 'An item is missing, or came twice' },
  BAD_MESSAGE: { retryable: false, text: 'The other side sent a message that cannot be read' },
  BAD_PAYLOAD: { retryable: false, text: 'An item cannot be written as JSON, and is not bytes' },
  BINARY_UNSUPPORTED: { retryable: false, text: 'The other side knows JSON only: send bytes as base64 text' },
  BUFFER_FULL: { retryable: false, text: 'The other side sends faster than this one reads, and cannot be slowed down' },
  CANCELLED: { retryable: false, text: 'The reader wants no more of the stream' },
  CONNECTION_CLOSED: { retryable: true, text: 'Connection closed' },
  CONNECTION_FAILED: { retryable: true, text: 'No connection could be made' },
  FAILED: { retryable: false, text: 'The other side failed' },
  FLOW_VIOLATION: { retryable: false, text: 'The other side sent more than it was given credit for' },
  ITERATOR_USED: { retryable: false, text: 'This iterator has been sent already: make a new one for each stream' },
  NO_ANSWER: { retryable: false, text: 'Nothing on the other side answers this request' },
  REMOTE: { retryable: false, text: 'The other side reported an error' },
  REQUEST_TIMEOUT: { retryable: true, text: 'The request was not answered in time' },
  RESUME_FAILED: { retryable: true, text: 'The connection was made anew, and the other side did not keep this stream' },
  STREAM_ID_IN_USE: { retryable: false, text: 'There is a stream with this id already' },
  TOO_LARGE: { retryable: false, text: 'An item is larger than the other side takes' },
  TOO_MANY_REQUESTS: { retryable: true, text: 'Too many requests are waiting for an answer' },
  TOO_MANY_STREAMS: { retryable: true, text: 'Too many streams are open' },
  UNCLAIMED: { retryable: false, text: 'Nobody received the stream in time' }
} as const satisfies Record<string, CodeInfo>

export type RpcErrorCode = keyof typeof CODES

/** How far the connection was when it failed. */
export type RpcPhase = 'connecting' | 'open' | 'resuming' | 'closing'

/** As it goes over the wire: no stack. */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly code: string
  readonly retryable: boolean
}

export interface RpcErrorDetails {
  readonly name?: string
  readonly retryable?: boolean
  readonly phase?: RpcPhase
  /** Of the socket's close. */
  readonly closeCode?: number
  readonly closeReason?: string
  readonly cause?: unknown
}

/**
 * Everything that fails here, on this side or on the other one, save misuse of arguments (a TypeError).
 *
 * Thrown by an iterator or a handler, it reaches the other side with `name`, `message`, `code` and `retryable`.
 */
export class RpcError extends Error {
  readonly code: string
  /** The same, tried again later, may succeed. Not: trying it again is safe. */
  readonly retryable: boolean
  readonly phase: RpcPhase | undefined
  readonly closeCode: number | undefined
  readonly closeReason: string | undefined

  constructor(code: RpcErrorCode | (string & {}), message?: string, details: RpcErrorDetails = {}) {
    const info: CodeInfo | undefined = Object.hasOwn(CODES, code) ? CODES[code as RpcErrorCode] : undefined
    super(message ?? info?.text ?? code, 'cause' in details ? { cause: details.cause } : undefined)
    this.name = details.name ?? 'RpcError'
    this.code = code
    this.retryable = details.retryable ?? info?.retryable ?? false
    this.phase = details.phase
    this.closeCode = details.closeCode
    this.closeReason = details.closeReason
  }
}

/** Characters of a name, a code and a message that go over the wire, and that are taken from it. */
const NAME_LIMIT = 100
const MESSAGE_LIMIT = 1000

/**
 * What the other side is told of a failure. The text of an error that is no RpcError may hold what it should not know: a
 * path, a query, a key; so it stays here unless the application exposes it.
 */
export function wireError(error: unknown, exposed = false): WireError {
  const said = (error ?? {}) as Partial<WireError>
  const told = exposed || error instanceof RpcError
  return {
    name: typeof said.name === 'string' ? said.name.slice(0, NAME_LIMIT) : 'Error',
    message: told ? String(said.message ?? error).slice(0, MESSAGE_LIMIT) : CODES.FAILED.text,
    code: told && typeof said.code === 'string' ? said.code.slice(0, NAME_LIMIT) : 'FAILED',
    retryable: said.retryable === true
  }
}

/** @returns null for what is no error: neither a text, as in the plain protocol, nor an object with a message */
export function fromWire(value: unknown): RpcError | null {
  if (typeof value === 'string') return new RpcError('REMOTE', value.slice(0, MESSAGE_LIMIT))
  if (typeof value !== 'object' || value === null) return null
  const { name, message, code, retryable } = value as Record<string, unknown>
  if (typeof message !== 'string') return null
  return new RpcError(
    typeof code === 'string' ? code.slice(0, NAME_LIMIT) : 'REMOTE',
    message.slice(0, MESSAGE_LIMIT),
    {
      name: typeof name === 'string' ? name.slice(0, NAME_LIMIT) : 'Error',
      retryable: retryable === true
    }
  )
}
