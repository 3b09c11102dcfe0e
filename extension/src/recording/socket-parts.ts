import { SOCKET_PART_HEAD_BYTES } from '../protocol/constants'

type Bytes = Uint8Array<ArrayBuffer>

/** Some of a socket's message, as it came. */
export interface MessagePart {
  readonly opcode: 1 | 2 | 8
  readonly data: Bytes
  readonly last: boolean
}

const LAST = 0x80

/** The messages in the body of a socket's stream (`socket_parts.py` says how they lie there); nothing is put together. */
export class SocketParts {
  readonly #head = new Uint8Array(SOCKET_PART_HEAD_BYTES)
  #headBytes = 0
  #left = 0

  /** @returns null if the bytes are none, and nothing of what follows can be told */
  push(data: Bytes): MessagePart[] | null {
    const parts: MessagePart[] = []
    for (let at = 0; at < data.byteLength; ) {
      if (this.#headBytes < SOCKET_PART_HEAD_BYTES) {
        this.#head[this.#headBytes] = data[at] ?? 0
        this.#headBytes += 1
        at += 1
        if (this.#headBytes < SOCKET_PART_HEAD_BYTES) continue
        this.#left = new DataView(this.#head.buffer).getUint32(1)
        if (this.#opcode === 0) return null
        if (this.#left > 0) continue
      }
      const size = Math.min(this.#left, data.byteLength - at)
      this.#left -= size
      parts.push(this.#part(data.subarray(at, at + size)))
      at += size
      if (this.#left === 0) this.#headBytes = 0
    }
    // An empty part that ends no message says nothing.
    return parts.filter((part) => part.last || part.data.byteLength > 0)
  }

  get #opcode(): 0 | 1 | 2 | 8 {
    const opcode = (this.#head[0] ?? 0) & ~LAST
    return opcode === 1 || opcode === 2 || opcode === 8 ? opcode : 0
  }

  #part(data: Bytes): MessagePart {
    const ends = this.#left === 0 && ((this.#head[0] ?? 0) & LAST) !== 0
    return { opcode: this.#opcode as 1 | 2 | 8, data, last: ends }
  }
}
