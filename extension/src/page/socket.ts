import type { AbortReason, FromPage, StreamChunk, StreamErrorFields, StreamHeadersFields } from '../protocol/bridge'
import { ACK_WINDOW_DIVISOR, WINDOW_FLOOR_BYTES, WINDOW_MAX_BYTES } from '../protocol/constants'
import { ERRORS, type ErrorCode } from '../protocol/errors'
import {
  bare,
  bytesAt,
  bytesLength,
  bytesSet,
  bytesSlice,
  complain,
  decodeUtf8,
  hasOwn,
  NativeUint8Array
} from './builtins'
import { LongwireError } from './errors'
import type { StreamMessage } from './exchange'
import { CLOSE, type PartKind, PartReader, type SocketMessage, TooLarge } from './socket-parts'
import { SocketUpload } from './socket-upload'
import { queueTask } from './tasks'

/** What a page asks a socket for, checked. */
export interface SocketPlan {
  readonly url: string
  readonly protocols: readonly string[]
  readonly headers: [string, string][]
}

/** How a socket ended, in the words of the standard's close event. */
export interface SocketEnd {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
  /** It failed: an `error` event comes before the `close`. A connection that only ended has failed nobody. */
  readonly failed: boolean
  /** What it failed with, if anybody knows. */
  readonly error: LongwireError | null
}

/** What a socket tells the object that the page has of it. */
export interface SocketEvents {
  opened(protocol: string): void
  /** There may be something to take, or the end. Never while the page calls. */
  arrived(): void
  /** The server's socket has taken more. */
  taken(): void
}

/** What a socket needs of the shim. */
export interface SocketHost {
  post(message: FromPage): void
  /** No message about this stream is expected any more. */
  closed(): void
}

const NO_CODE = 1005
const ABNORMAL = 1006
const TOO_BIG = 1009

/**
 * One WebSocket between the page's object and the host: what comes within credit, and one end. What goes is in
 * `SocketUpload`. Whoever holds it takes what has arrived, and then the end; what is not taken is not acknowledged.
 */
export class Socket {
  readonly id: number
  readonly #plan: SocketPlan
  readonly #host: SocketHost
  readonly #events: SocketEvents
  readonly #reader = new PartReader()
  #started = false
  #headSeen = false
  #open = false
  /** The page said close: what still comes is dropped. */
  #closing = false
  /** Neither side says anything more. */
  #over = false
  /** The server's close, once everything before it was taken. */
  #close: SocketEnd | null = null
  #failed = false
  #failure: LongwireError | null = null
  #received = 0
  #acknowledged = 0
  #window = WINDOW_FLOOR_BYTES
  readonly #upload: SocketUpload

  constructor(id: number, plan: SocketPlan, host: SocketHost, events: SocketEvents) {
    this.id = id
    this.#plan = plan
    this.#host = host
    this.#events = events
    this.#upload = new SocketUpload(
      (offset, data) => host.post({ type: 'STREAM_BODY', id, offset, data }),
      () => this.fail(this.#error('UPLOAD_FAILED', 'A Blob that was to be sent could not be read'), 'upload-failed')
    )
  }

  get over(): boolean {
    return this.#over
  }

  /** Bytes of messages that the server's socket has not taken. */
  get buffered(): number {
    return this.#upload.buffered
  }

  start(): void {
    this.#started = true
    const { url, headers, protocols } = this.#plan
    const start: FromPage = {
      type: 'STREAM_START',
      id: this.id,
      method: 'GET',
      url,
      headers,
      body: { kind: 'stream' },
      redirect: 'error',
      timeouts: bare({})
    }
    if (protocols.length > 0) start.protocols = protocols as string[]
    this.#host.post(start)
  }

  /** Queue a message of `size` bytes, which are given away. A promise of them holds up what is sent after it. */
  send(kind: PartKind, bytes: Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>, size: number): void {
    this.#upload.send(kind, bytes, size)
  }

  /** The page wants no more; what it sent before still goes out. */
  close(code: number | undefined, reason: Uint8Array<ArrayBuffer>): void {
    if (this.#closing || this.#over) return
    this.#closing = true
    if (!this.#open) {
      // The page is just calling this, and its events come when it is done.
      return queueTask(this.#unopened)
    }
    const data = new NativeUint8Array(code === undefined ? 0 : 2 + bytesLength(reason))
    if (code !== undefined) {
      data[0] = code >> 8
      data[1] = code & 0xff
      bytesSet(data, reason, 2)
    }
    this.#upload.close(data)
    this.#skip()
  }

  readonly #unopened = (): void => {
    if (this.#over) return
    this.#failed = true
    this.#finish('cancel')
  }

  /** Whether `take` or `end` may have something. */
  get waiting(): boolean {
    return this.#over || (this.#reader.waiting && !this.#closing)
  }

  /** The next message; null if there is none now. */
  take(): SocketMessage | null {
    if (this.#closing || this.#close !== null) return null
    try {
      const message = this.#reader.take()
      this.#acknowledge(this.#window / ACK_WINDOW_DIVISOR)
      if (message === null || message.kind !== CLOSE) return message
      this.#close = closeOf(message.data)
    } catch (error) {
      if (error instanceof TooLarge) this.#tooLarge()
      else this.#violated('what is no part of a message')
    }
    return null
  }

  /** How it ended; null as long as it has not. To be asked when there is no message to take. */
  end(): SocketEnd | null {
    if (!this.#over) return null
    this.#reader.release()
    if (this.#close !== null && !this.#failed) return this.#close
    return { code: ABNORMAL, reason: '', wasClean: false, failed: this.#failed, error: this.#failure }
  }

  /** The same for who takes a message only when it is wanted: the end, if there is none before it. */
  settled(): SocketEnd | null {
    if (this.#reader.closing) this.take()
    return this.#over && !(this.#reader.waiting && this.#close === null && !this.#closing) ? this.end() : null
  }

  /** Nobody wants it any more, and nobody is told of an end. */
  abandon(reason: AbortReason): void {
    if (!this.#over) this.#finish(reason)
  }

  receive(message: StreamMessage): void {
    switch (message.type) {
      case 'STREAM_HEADERS':
        return this.#receiveHeaders(message)
      case 'STREAM_CHUNK':
        return this.#receiveChunk(message)
      case 'STREAM_BODY_ACK':
        this.#upload.granted(message.consumed, message.window)
        return this.#events.taken()
      case 'STREAM_END':
        if (message.bytes !== this.#received) return this.#violated('an end at another place')
        return this.#finish(null)
      case 'STREAM_ERROR':
        this.#complain(message)
        return this.fail(errorFrom(message), null)
      default:
        return this.#violated('a message that no socket has')
    }
  }

  /** It cannot go on, for a reason that the host does not know of or is the cause of. */
  fail(error: LongwireError, tell: AbortReason | null): void {
    if (this.#over) return
    this.#failed = true
    this.#failure ??= error
    this.#finish(tell)
  }

  /** The way to the host broke. */
  bridgeLost(text: string, tell: AbortReason | null): void {
    this.fail(this.#error('BRIDGE_LOST', text), tell)
  }

  #finish(tell: AbortReason | null): void {
    this.#over = true
    this.#upload.stop()
    if (tell !== null && this.#started) this.#host.post({ type: 'STREAM_ABORT', id: this.id, reason: tell })
    this.#host.closed()
    this.#events.arrived()
  }

  #receiveHeaders({ status, headers }: StreamHeadersFields): void {
    if (this.#headSeen) return this.#violated('a second head')
    this.#headSeen = true
    // What was wrong with any other answer, the host says next.
    if (status !== 101) return
    this.#open = true
    let protocol = ''
    for (let i = 0; i < headers.length; i++) {
      const pair = headers[i] as [string, string]
      if (pair[0] === 'sec-websocket-protocol') protocol = pair[1]
    }
    this.#events.opened(protocol)
  }

  #receiveChunk(chunk: StreamChunk): void {
    if (!this.#open || chunk.offset !== this.#received || hasOwn(chunk, 'encoding')) {
      return this.#violated('bytes that are not due')
    }
    this.#received += bytesLength(chunk.data)
    if (hasOwn(chunk, 'window')) this.#window = chunk.window as number
    this.#reader.push(chunk.data)
    if (this.#received - this.#reader.consumed > WINDOW_MAX_BYTES) return this.#violated('more than it may')
    if (this.#closing) this.#skip()
    else this.#events.arrived()
  }

  #acknowledge(worth: number): void {
    const { consumed } = this.#reader
    if (this.#over || consumed - this.#acknowledged < worth) return
    this.#acknowledged = consumed
    this.#host.post({ type: 'STREAM_ACK', id: this.id, consumed })
  }

  /** After the page's close the host still sends what it had ready, and of all that only the server's close counts. */
  #skip(): void {
    if (this.#close !== null) return
    try {
      const data = this.#reader.skip()
      if (data !== null) this.#close = closeOf(data)
    } catch {
      return this.#violated('what is no part of a message')
    }
    this.#acknowledge(1)
  }

  /** The server is told, and does what it does to its side meanwhile. */
  #tooLarge(): void {
    const text = 'The messages that this page receives just now are larger than it may put together at a time'
    this.#failed = true
    this.#failure = this.#error('BODY_TOO_LARGE', text)
    this.close(TOO_BIG, new NativeUint8Array(0))
  }

  #violated(what: string): void {
    this.fail(this.#error('PROTOCOL', `The Longwire host sent ${what}`), 'refused')
  }

  #error(code: ErrorCode, text: string): LongwireError {
    return new LongwireError(code, text, this.#open ? 'body' : 'headers')
  }

  /** A refusal is a line in the page's console, as those of CORS are. */
  #complain({ code, message }: StreamErrorFields): void {
    if (ERRORS[code].category === 'POLICY') complain(`Longwire refused ${this.#plan.url} (${code}): ${message}`)
  }
}

function errorFrom({ code, message, phase, retryable }: StreamErrorFields): LongwireError {
  return new LongwireError(code, message, phase, { retryable })
}

function closeOf(data: Uint8Array<ArrayBuffer>): SocketEnd {
  const coded = bytesLength(data) >= 2
  const code = coded ? bytesAt(data, 0) * 256 + bytesAt(data, 1) : NO_CODE
  const reason = coded ? decodeUtf8(bytesSlice(data, 2, bytesLength(data))) : ''
  return { code, reason, wasClean: true, failed: false, error: null }
}
