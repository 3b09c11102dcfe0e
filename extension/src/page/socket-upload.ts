import { SOCKET_PART_HEAD_BYTES, UPLOAD_CHUNK_BYTES } from '../protocol/constants'
import {
  bytesLength,
  bytesSet,
  bytesSlice,
  isView,
  min,
  NativePromise,
  NativeUint8Array,
  promiseThen
} from './builtins'
import { CLOSE, type PartKind, partHead } from './socket-parts'

/** What waits to be sent: bytes, or something that will be bytes and holds up what is behind it. */
interface Outgoing {
  bytes: Uint8Array<ArrayBuffer> | null
  next: Outgoing | null
}

/** A message that the server's socket has not taken whole: where its data ends in the body, and how much of it counts. */
interface Untaken {
  readonly end: number
  left: number
  next: Untaken | null
}

/** What the page sends by a socket, as parts within the host's credit, and how much of it the server's socket has not taken. */
export class SocketUpload {
  readonly #post: (offset: number, data: Uint8Array<ArrayBuffer>) => void
  readonly #unreadable: () => void
  #first: Outgoing | null = null
  #last: Outgoing | null = null
  /** In the first outgoing bytes. */
  #at = 0
  #sent = 0
  #limit = 0
  #flushLater = false
  #stopped = false
  /** Bytes of parts that were queued, sent or not: the offset of the next. */
  #offset = 0
  #untaken: Untaken | null = null
  #lastUntaken: Untaken | null = null
  #buffered = 0

  /**
   * @param post takes the bytes of one message to the host
   * @param unreadable something that was to be bytes cannot be read
   */
  constructor(post: (offset: number, data: Uint8Array<ArrayBuffer>) => void, unreadable: () => void) {
    this.#post = post
    this.#unreadable = unreadable
  }

  /** Bytes of messages that the server's socket has not taken. */
  get buffered(): number {
    return this.#buffered
  }

  /** Queue a message of `size` bytes, which are given away. A promise of them holds up what is sent after it. */
  send(kind: PartKind, bytes: Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>, size: number): void {
    this.#buffered += size
    this.#offset += SOCKET_PART_HEAD_BYTES + size
    const untaken: Untaken = { end: this.#offset, left: size, next: null }
    if (this.#lastUntaken === null) this.#untaken = untaken
    else this.#lastUntaken.next = untaken
    this.#lastUntaken = untaken
    this.#queue(partHead(kind, size))
    if (size > 0) this.#queue(bytes)
    this.#flush()
  }

  /** The page's close, behind all that it sent. `data`: what its frame holds. */
  close(data: Uint8Array<ArrayBuffer>): void {
    this.#queue(partHead(CLOSE, bytesLength(data)))
    if (bytesLength(data) > 0) this.#queue(data)
    this.#flush()
  }

  /** The socket is over. What waits stays counted: a page is told that it has not left. */
  stop(): void {
    this.#stopped = true
    this.#first = this.#last = null
  }

  /** The host says how much it took, and how much more it takes. */
  granted(consumed: number, window: number): void {
    this.#limit = consumed + window
    for (let untaken = this.#untaken; untaken !== null; untaken = this.#untaken) {
      // Of its data, not of its head.
      const left = min(untaken.left, untaken.end - consumed)
      if (left > 0) {
        this.#buffered -= untaken.left - left
        untaken.left = left
        break
      }
      if (untaken.end > consumed) break
      this.#buffered -= untaken.left
      this.#untaken = untaken.next
      if (untaken.next === null) this.#lastUntaken = null
    }
    this.#pump()
  }

  #queue(bytes: Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>): void {
    const outgoing: Outgoing = { bytes: null, next: null }
    if (this.#last === null) this.#first = outgoing
    else this.#last.next = outgoing
    this.#last = outgoing
    if (isView(bytes)) outgoing.bytes = bytes as Uint8Array<ArrayBuffer>
    else promiseThen(bytes as Promise<Uint8Array<ArrayBuffer>>, (data) => this.#ready(outgoing, data), this.#unreadable)
  }

  #ready(outgoing: Outgoing, data: Uint8Array<ArrayBuffer>): void {
    outgoing.bytes = data
    this.#flush()
  }

  /** The first message of many leaves at once; the others of the same turn go together. */
  #flush(): void {
    if (this.#flushLater) return
    this.#pump()
    if (this.#stopped) return
    this.#flushLater = true
    promiseThen(
      resolved,
      () => {
        this.#flushLater = false
        this.#pump()
      },
      () => undefined
    )
  }

  #pump(): void {
    while (!this.#stopped) {
      const size = min(this.#sendable(), UPLOAD_CHUNK_BYTES, this.#limit - this.#sent)
      if (size <= 0) return
      this.#post(this.#sent, this.#take(size))
      this.#sent += size
    }
  }

  /** The first `size` bytes of what waits. */
  #take(size: number): Uint8Array<ArrayBuffer> {
    const data = new NativeUint8Array(size)
    for (let at = 0; at < size; ) {
      const first = this.#first as Outgoing
      const bytes = first.bytes as Uint8Array<ArrayBuffer>
      const end = min(bytesLength(bytes), this.#at + size - at)
      const whole = this.#at === 0 && end === bytesLength(bytes)
      bytesSet(data, whole ? bytes : bytesSlice(bytes, this.#at, end), at)
      at += end - this.#at
      this.#at = end
      if (end < bytesLength(bytes)) break
      this.#at = 0
      this.#first = first.next
      if (first.next === null) this.#last = null
    }
    return data
  }

  /** Bytes that are there, up to the first that are not, or more than one message carries. */
  #sendable(): number {
    let size = -this.#at
    for (let each = this.#first; each !== null && each.bytes !== null; each = each.next) {
      size += bytesLength(each.bytes)
      if (size >= UPLOAD_CHUNK_BYTES) break
    }
    return size
  }
}

const resolved: Promise<void> = NativePromise.resolve()
