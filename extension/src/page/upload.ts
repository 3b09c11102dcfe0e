import type { StreamBody, StreamBodyEnd } from '../protocol/bridge'
import { UPLOAD_CHUNK_BYTES } from '../protocol/constants'
import { bytesLength, bytesSlice, min, NativePromise, NativeTypeError } from './builtins'
import type { UploadSource } from './source'

/** What an upload does to its stream. */
export interface UploadEvents {
  send(message: StreamBody | StreamBodyEnd): void
  /** The host has taken so many bytes; more each time. */
  taken(bytes: number): void
  /** The source failed, or its bytes are not what was announced. */
  failed(cause: unknown): void
}

/**
 * Sends a request body within the host's credit: nothing before the first STREAM_BODY_ACK, and never more than it allows.
 */
export class Upload {
  readonly #id: number
  readonly #source: UploadSource
  readonly #size: number | undefined
  readonly #events: UploadEvents
  #sent = 0
  /** The offset up to which the host takes bytes. */
  #limit = 0
  #taken = 0
  #ended = false
  #wake: (() => void) | null = null
  #over = false

  constructor(id: number, source: UploadSource, size: number | undefined, events: UploadEvents) {
    this.#id = id
    this.#source = source
    this.#size = size
    this.#events = events
  }

  /** Runs until the body is sent, fails or is stopped. Never rejects. */
  async run(): Promise<void> {
    try {
      for (;;) {
        const piece = await this.#source.read()
        if (this.#over) return
        if (piece === null) break
        await this.#sendPiece(piece)
        if (this.#over) return
      }
      if (this.#size !== undefined && this.#sent !== this.#size) {
        throw new NativeTypeError(`The request body has ${this.#sent} bytes, but was announced with ${this.#size}`)
      }
      this.#over = this.#ended = true
      this.#events.send({ type: 'STREAM_BODY_END', id: this.#id, bytes: this.#sent })
    } catch (error) {
      if (this.#over) return
      this.#over = true
      this.#events.failed(error)
      this.#source.cancel(error)
    }
  }

  /** STREAM_BODY_ACK came. */
  granted(consumed: number, window: number): void {
    this.#tell(consumed)
    const limit = consumed + window
    if (limit <= this.#limit) return
    this.#limit = limit
    this.#wakeUp()
  }

  /** The response is there. The host does not acknowledge the last bytes of a body, but has taken them if all are sent. */
  answered(): void {
    if (this.#ended) this.#tell(this.#sent)
  }

  /** The stream is over: whatever is not sent yet is not wanted. */
  stop(reason: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#source.cancel(reason)
    this.#wakeUp()
  }

  async #sendPiece(piece: Uint8Array<ArrayBuffer>): Promise<void> {
    const length = bytesLength(piece)
    let at = 0
    while (at < length) {
      const room = this.#limit - this.#sent
      if (room > 0) {
        const size = min(length - at, UPLOAD_CHUNK_BYTES, room)
        const data = bytesSlice(piece, at, at + size)
        this.#events.send({ type: 'STREAM_BODY', id: this.#id, offset: this.#sent, data })
        this.#sent += size
        at += size
      } else {
        await this.#credit()
        if (this.#over) return
        if (bytesLength(piece) !== length) throw new NativeTypeError('The request body was detached while it was sent')
      }
    }
  }

  #tell(taken: number): void {
    if (taken <= this.#taken) return
    this.#taken = taken
    this.#events.taken(taken)
  }

  #credit(): Promise<void> {
    return new NativePromise((resolve) => {
      this.#wake = resolve
    })
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = null
    wake?.()
  }
}
