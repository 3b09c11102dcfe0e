import { MAX_SOCKET_MESSAGE_BYTES, SOCKET_PART_HEAD_BYTES } from '../protocol/constants'

/** By the numbers of RFC 6455 section 5.2. */
export type Opcode = 1 | 2 | 8

export interface SocketMessage {
  readonly opcode: Opcode
  readonly size: number
  /** The beginning of it. */
  readonly data: Uint8Array<ArrayBuffer>
}

/** Of a message no more is kept to be shown. */
export const SHOWN_BYTES = 64 * 1024

const LAST = 0x80

/** One direction of a socket, parts in and messages out (docs/PROTOCOL.md, WebSockets), from wherever one begins to look. */
export class SocketMessages {
  readonly #give: (message: SocketMessage) => void
  #rest = new Uint8Array(0)
  /** Whether it is known where a part begins. */
  #synced: boolean
  #opcode: Opcode | 0 = 0
  #size = 0
  #kept: Uint8Array<ArrayBuffer>[] = []
  #keptBytes = 0
  /** Of the part that is being read. */
  #left = 0
  #last = false

  constructor(fromStart: boolean, give: (message: SocketMessage) => void) {
    this.#synced = fromStart
    this.#give = give
  }

  /** Bytes are missing here. */
  lose(): void {
    this.#synced = false
    this.#rest = new Uint8Array(0)
    this.#left = 0
    this.#begin()
  }

  push(bytes: Uint8Array<ArrayBuffer>): void {
    // Parts begin where chunks do, save inside a long message.
    if (!this.#synced && !beginsParts(bytes)) return
    this.#synced = true
    let at = 0
    let data = bytes
    if (this.#rest.length > 0) {
      data = new Uint8Array(this.#rest.length + bytes.length)
      data.set(this.#rest)
      data.set(bytes, this.#rest.length)
      this.#rest = new Uint8Array(0)
    }
    while (at < data.length) {
      if (this.#left === 0) {
        if (data.length - at < SOCKET_PART_HEAD_BYTES) break
        const head = headAt(data, at)
        if (head === null) return this.lose()
        at += SOCKET_PART_HEAD_BYTES
        if (head.opcode === 8 || this.#opcode === 0) this.#begin(head.opcode)
        this.#left = head.size
        this.#last = head.last
      }
      const taken = Math.min(this.#left, data.length - at)
      this.#keep(data.subarray(at, at + taken))
      at += taken
      this.#left -= taken
      if (this.#left === 0 && this.#last) this.#end()
    }
    if (at < data.length) this.#rest = data.slice(at)
  }

  #begin(opcode: Opcode | 0 = 0): void {
    this.#opcode = opcode
    this.#size = this.#keptBytes = 0
    this.#kept = []
  }

  #keep(bytes: Uint8Array<ArrayBuffer>): void {
    this.#size += bytes.length
    const part = bytes.slice(0, SHOWN_BYTES - this.#keptBytes)
    this.#keptBytes += part.length
    if (part.length > 0) this.#kept.push(part)
  }

  #end(): void {
    const data = new Uint8Array(this.#keptBytes)
    let at = 0
    for (const part of this.#kept) {
      data.set(part, at)
      at += part.length
    }
    const message = { opcode: this.#opcode as Opcode, size: this.#size, data }
    this.#begin()
    this.#give(message)
  }
}

function headAt(data: Uint8Array, at: number): { opcode: Opcode; last: boolean; size: number } | null {
  const first = data[at] as number
  const opcode = first & ~LAST
  if (opcode !== 1 && opcode !== 2 && first !== (8 | LAST)) return null
  const size = new DataView(data.buffer, data.byteOffset + at + 1, 4).getUint32(0)
  return size > MAX_SOCKET_MESSAGE_BYTES ? null : { opcode: opcode as Opcode, last: (first & LAST) !== 0, size }
}

/** Whether this can be read as parts from its first byte on. */
function beginsParts(bytes: Uint8Array): boolean {
  let at = 0
  while (at + SOCKET_PART_HEAD_BYTES <= bytes.length) {
    const head = headAt(bytes, at)
    if (head === null) return false
    at += SOCKET_PART_HEAD_BYTES + head.size
  }
  return at > 0
}
