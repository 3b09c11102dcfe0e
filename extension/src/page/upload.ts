import type { StreamBody, StreamBodyEnd } from '../protocol/bridge'
import { UPLOAD_CHUNK_BYTES } from '../protocol/constants'
import { bytesLength, bytesSlice, min, NativePromise, NativeTypeError } from './builtins'
import type { UploadSource } from './source'

/** What an upload does to its stream. */
export interface UploadEvents {
  send(message: StreamBody | StreamBodyEnd): void
  /** The host has taken so many bytes; more each time. */
  taken(bytes: number): void
  /** The host has sent all of them. */
  sent(): void
  /** The source failed, or its bytes are not what was announced. */
  failed(cause: unknown): void
}

/**
 * Sends a request body within the host's credit: nothing before the first STREAM_BODY_ACK, and never more than it allows.
 *
 * What it is made of is kept until the response is there: the host may ask for it again, for a redirect, as often as
 * there are redirects.
 */
export class Upload {
  readonly #id: number
  readonly #size: number | undefined
  readonly #events: UploadEvents
  /** What is being sent; null when nobody wants more of it. */
  #source: UploadSource | null
  #renew: (() => UploadSource) | null
  /** How often the body was asked for again. */
  #again = 0
  #sent = 0
  /** The offset up to which the host takes bytes. */
  #limit = 0
  #acknowledged = 0
  /** What the page was told of: it never goes back. */
  #taken = 0
  #ended = false
  #wake: (() => void) | null = null

  constructor(id: number, source: UploadSource, size: number | undefined, events: UploadEvents) {
    this.#id = id
    this.#source = source
    this.#renew = source.again
    this.#size = size
    this.#events = events
  }

  /** Runs until the body is sent, fails, is stopped or is wanted again. Never rejects. */
  async run(): Promise<void> {
    const source = this.#source
    if (source === null) return
    try {
      for (;;) {
        const piece = await source.read()
        if (this.#source !== source) return
        if (piece === null) break
        await this.#sendPiece(source, piece)
        if (this.#source !== source) return
      }
      if (this.#size !== undefined && this.#sent !== this.#size) {
        throw new NativeTypeError(`The request body has ${this.#sent} bytes, but was announced with ${this.#size}`)
      }
      this.#source = null
      this.#ended = true
      this.#send({ type: 'STREAM_BODY_END', id: this.#id, bytes: this.#sent })
    } catch (error) {
      if (this.#source !== source) return
      this.#source = null
      this.#events.failed(error)
      source.cancel(error)
    }
  }

  /** Whether something is still to be sent, here or by the host. */
  get underWay(): boolean {
    return this.#ended ? this.#acknowledged < this.#sent : this.#source !== null
  }

  /** STREAM_BODY_ACK came. */
  granted(consumed: number, window: number): void {
    this.#acknowledged = consumed
    this.#tell(consumed)
    if (this.#ended && consumed === this.#sent) this.#events.sent()
    const limit = consumed + window
    if (limit <= this.#limit) return
    this.#limit = limit
    this.#wakeUp()
  }

  /**
   * STREAM_BODY_AGAIN came: all that was sent counts no more.
   *
   * @returns whether the body is still there
   */
  again(again: number): boolean {
    if (this.#renew === null) return false
    const before = this.#source
    this.#source = this.#renew()
    this.#again = again
    this.#sent = this.#limit = this.#acknowledged = 0
    this.#ended = false
    before?.cancel(undefined)
    this.#wakeUp()
    void this.run()
    return true
  }

  /** The response is there: the body is not wanted again. */
  answered(): void {
    this.#renew = null
  }

  /** The stream is over: whatever is not sent yet is not wanted. */
  stop(reason: unknown): void {
    const source = this.#source
    this.#source = this.#renew = null
    source?.cancel(reason)
    this.#wakeUp()
  }

  async #sendPiece(source: UploadSource, piece: Uint8Array<ArrayBuffer>): Promise<void> {
    const length = bytesLength(piece)
    let at = 0
    while (at < length) {
      const room = this.#limit - this.#sent
      if (room > 0) {
        const size = min(length - at, UPLOAD_CHUNK_BYTES, room)
        const data = bytesSlice(piece, at, at + size)
        this.#send({ type: 'STREAM_BODY', id: this.#id, offset: this.#sent, data })
        this.#sent += size
        at += size
      } else {
        await this.#credit()
        if (this.#source !== source) return
        if (bytesLength(piece) !== length) throw new NativeTypeError('The request body was detached while it was sent')
      }
    }
  }

  #send(message: StreamBody | StreamBodyEnd): void {
    if (this.#again > 0) message.again = this.#again
    this.#events.send(message)
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
