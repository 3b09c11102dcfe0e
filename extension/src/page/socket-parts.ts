import { MAX_SOCKET_MESSAGE_BYTES, SOCKET_PART_HEAD_BYTES } from '../protocol/constants'
import {
  bytesAt,
  bytesLength,
  bytesSet,
  bytesSlice,
  min,
  NativeError,
  NativeRangeError,
  NativeUint8Array
} from './builtins'

/** What a part belongs to; the numbers are those of WebSocket frames (RFC 6455 section 5.2). */
export type PartKind = typeof TEXT | typeof BINARY | typeof CLOSE

export const TEXT = 1
export const BINARY = 2
export const CLOSE = 8

/** Set in a part's first byte where the part ends its message. */
const LAST = 0x80

/** A whole message, or the close. */
export interface SocketMessage {
  readonly kind: PartKind
  readonly data: Uint8Array<ArrayBuffer>
}

/** The head of a message of the page's, which goes in one part. */
export function partHead(kind: PartKind, size: number): Uint8Array<ArrayBuffer> {
  const head = new NativeUint8Array(SOCKET_PART_HEAD_BYTES)
  head[0] = kind | LAST
  for (let i = 1; i < SOCKET_PART_HEAD_BYTES; i++) head[i] = (size >>> (8 * (SOCKET_PART_HEAD_BYTES - 1 - i))) & 0xff
  return head
}

/** What all sockets of this page have put together of messages that are not whole. */
const assembling = { bytes: 0 }

/** A message that takes more than the page may put together, of this and other sockets. */
export class TooLarge extends NativeError {}

interface Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>
  next: Chunk | null
}

/**
 * The host's parts, made into messages when somebody asks for one: what nobody wants stays bytes, which the window bounds,
 * however many messages they are.
 */
export class PartReader {
  #first: Chunk | null = null
  #last: Chunk | null = null
  /** In the first chunk. */
  #at = 0
  #held = 0
  #consumed = 0
  /** The first byte of the part that is being read; 0 before its head. */
  #part = 0
  #left = 0
  #kind: PartKind | 0 = 0
  #message: Chunk | null = null
  #messageEnd: Chunk | null = null
  #messageSize = 0

  /** Bytes that were given on, or put together so far. */
  get consumed(): number {
    return this.#consumed
  }

  push(bytes: Uint8Array<ArrayBuffer>): void {
    const chunk: Chunk = { bytes, next: null }
    if (this.#last === null) this.#first = chunk
    else this.#last.next = chunk
    this.#last = chunk
    this.#held += bytesLength(bytes)
  }

  /**
   * The next message; null until more has come, which is put together then.
   *
   * @throws {TooLarge}
   * @throws {RangeError} what came is no part that a host sends
   */
  take(): SocketMessage | null {
    for (;;) {
      if (this.#part === 0 && !this.#readHead()) return null
      const kind = (this.#part & ~LAST) as PartKind
      if (kind === CLOSE) {
        // A close may come inside a message, of which there is no more then.
        if (this.#held < this.#left) return null
        this.#forget()
        this.#part = 0
        return { kind, data: this.#read(this.#left) }
      }
      const size = min(this.#held, this.#left)
      const whole = this.#messageSize === 0 && size === this.#left && (this.#part & LAST) !== 0
      if (whole) {
        this.#part = this.#kind = 0
        return { kind, data: this.#read(size) }
      }
      if (size > 0) this.#assemble(size)
      this.#left -= size
      if (this.#left > 0) return null
      const last = (this.#part & LAST) !== 0
      this.#part = 0
      if (last) return this.#assembled(kind)
    }
  }

  /**
   * Let go of what waits, up to the close.
   *
   * @returns the close's data, if it has come
   * @throws {RangeError} what came is no part
   */
  skip(): Uint8Array<ArrayBuffer> | null {
    this.#forget()
    for (;;) {
      if (this.#part === 0 && !this.#readHead()) return null
      const close = this.#part === (CLOSE | LAST)
      const size = min(this.#held, this.#left)
      if (close && size < this.#left) return null
      const data = this.#read(size)
      if (close) return data
      this.#left -= size
      if (this.#left > 0) return null
      if ((this.#part & LAST) !== 0) this.#kind = 0
      this.#part = 0
    }
  }

  /** Whether the close is what comes next. */
  get closing(): boolean {
    const first = this.#first
    return this.#part === 0 && first !== null && this.#held > 0 && bytesAt(first.bytes, this.#at) === (CLOSE | LAST)
  }

  /** Whether bytes wait here of which nothing was made. */
  get waiting(): boolean {
    return this.#held > 0
  }

  /** Nothing more comes of what is put together so far. */
  release(): void {
    this.#forget()
  }

  #forget(): void {
    assembling.bytes -= this.#messageSize
    this.#messageSize = 0
    this.#message = this.#messageEnd = null
  }

  #readHead(): boolean {
    if (this.#held < SOCKET_PART_HEAD_BYTES) return false
    const head = this.#read(SOCKET_PART_HEAD_BYTES)
    const first = bytesAt(head, 0)
    const kind = first & ~LAST
    const bad = kind !== TEXT && kind !== BINARY && first !== (CLOSE | LAST)
    if (bad || (kind !== CLOSE && this.#kind !== 0 && kind !== this.#kind)) throw new NativeRangeError('not a part')
    this.#part = first
    if (kind !== CLOSE) this.#kind = kind as PartKind
    this.#left = 0
    for (let i = 1; i < SOCKET_PART_HEAD_BYTES; i++) this.#left = this.#left * 256 + bytesAt(head, i)
    return true
  }

  #assemble(size: number): void {
    if (assembling.bytes + size > MAX_SOCKET_MESSAGE_BYTES) throw new TooLarge()
    const piece: Chunk = { bytes: this.#read(size), next: null }
    if (this.#messageEnd === null) this.#message = piece
    else this.#messageEnd.next = piece
    this.#messageEnd = piece
    this.#messageSize += size
    assembling.bytes += size
  }

  #assembled(kind: PartKind): SocketMessage {
    const data = new NativeUint8Array(this.#messageSize)
    let at = 0
    for (let piece = this.#message; piece !== null; piece = piece.next) {
      bytesSet(data, piece.bytes, at)
      at += bytesLength(piece.bytes)
    }
    this.#forget()
    this.#kind = 0
    return { kind, data }
  }

  /** `size` bytes of what waits, in memory of their own. */
  #read(size: number): Uint8Array<ArrayBuffer> {
    this.#held -= size
    this.#consumed += size
    const first = this.#first
    if (first !== null && bytesLength(first.bytes) - this.#at > size) {
      this.#at += size
      return bytesSlice(first.bytes, this.#at - size, this.#at)
    }
    const data = new NativeUint8Array(size)
    let at = 0
    for (let chunk = this.#first; chunk !== null && at < size; chunk = this.#first) {
      const length = bytesLength(chunk.bytes)
      const end = min(length, this.#at + size - at)
      bytesSet(data, bytesSlice(chunk.bytes, this.#at, end), at)
      at += end - this.#at
      this.#at = end
      if (end < length) break
      this.#at = 0
      this.#first = chunk.next
      if (chunk.next === null) this.#last = null
    }
    return data
  }
}
