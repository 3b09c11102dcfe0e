import { harmlessFields, requestFields, responseFields, shapes } from './credentials'

/** What is held back of a body until more has come: a credential may be cut anywhere. A longer one is not found whole. */
export const REQUEST_HOLD_BYTES = 64 * 1024
export const RESPONSE_HOLD_BYTES = 4 * 1024

const STAR = 42
const JSON_FIELD = /"((?:[^"\\]|\\.){1,64})"\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)/gs
/** JSON inside a text of JSON, as the arguments of a tool call are. */
const NESTED_FIELD = /\\"([^"\\]{1,64})\\"\s*:\s*\\"([^"\\]*)/g
const FORM_FIELD = /(?:^|&)([^=&\s]{1,64})=([^&\s]+)/g
const PART_OF_FORM = /name="([^"]{1,64})"[^\r\n]*(?:\r\n[^\r\n]+)*\r\n\r\n(.*?)(?=\r\n--|$)/gs
/** Where names and shapes mean nothing. An unknown type may be text. */
const NO_TEXT = /^(?:image\/|audio\/|video\/|font\/|application\/(?:octet-stream|zip|gzip|pdf|wasm)$)/

type Bytes = Uint8Array<ArrayBuffer>

/** Bytes, and when they came. `masked`: some of them are others now. */
export interface Timed {
  readonly data: Bytes
  readonly t: number
  readonly masked: boolean
}

/**
 * One body, or one message of a socket, without its credentials: each byte of one becomes `*`, so that sizes, pieces and
 * times stay as they were. As `masking.py` of the host. Memory: what is held back, and a piece.
 */
export class Masking {
  readonly #way: 'up' | 'down'
  readonly #needles: ReadonlySet<string>
  readonly #patterns: readonly RegExp[]
  readonly #isText: boolean
  #held: Timed[] = []
  #heldBytes = 0

  /** @param needles what the stream's heads had; may grow until the first `push` */
  constructor(way: 'up' | 'down', needles: ReadonlySet<string>, contentType: string) {
    this.#way = way
    this.#needles = needles
    const type = contentType.toLowerCase()
    this.#isText = !NO_TEXT.test(type.split(';', 1)[0]?.trim() ?? '')
    const forms = way === 'up' && type.includes('x-www-form-urlencoded') ? [FORM_FIELD] : []
    const parts = way === 'up' && type.includes('multipart/') ? [PART_OF_FORM] : []
    this.#patterns = [JSON_FIELD, NESTED_FIELD, ...forms, ...parts]
  }

  /** Take a piece, which is not changed; gives those in which nothing can be found any more. */
  push(data: Bytes, t: number): Timed[] {
    this.#held.push({ data, t, masked: false })
    this.#heldBytes += data.byteLength
    let hold = this.#way === 'up' ? REQUEST_HOLD_BYTES : RESPONSE_HOLD_BYTES
    for (const needle of this.#needles) hold = Math.max(hold, 3 * needle.length)
    // By halves: what is looked through again is as much as what was let go.
    return this.#heldBytes >= 2 * hold ? this.#give(this.#heldBytes - hold) : []
  }

  /** Nothing comes any more. */
  end(): Timed[] {
    return this.#give(this.#heldBytes)
  }

  /** Those that end within the first `limit` bytes, masked. */
  #give(limit: number): Timed[] {
    this.#mask()
    let left = limit
    let count = 0
    for (const { data } of this.#held) {
      if (data.byteLength > left) break
      left -= data.byteLength
      count += 1
    }
    this.#heldBytes -= limit - left
    return this.#held.splice(0, count)
  }

  #mask(): void {
    // A character is a byte.
    const decoder = new TextDecoder('latin1')
    const text = this.#held.map(({ data }) => decoder.decode(data)).join('')
    const spans = [...this.#found(text)].filter(([start, end]) => end > start).sort(([a], [b]) => a - b)
    let index = 0
    let begin = 0
    for (const [start, end] of spans) {
      for (let piece = this.#held[index]; piece !== undefined; piece = this.#held[index]) {
        if (begin + piece.data.byteLength > start) break
        begin += piece.data.byteLength
        index += 1
      }
      this.#star(index, begin, start, end)
    }
  }

  #star(first: number, firstBegin: number, start: number, end: number): void {
    let begin = firstBegin
    for (let index = first; begin < end; index += 1) {
      const piece = this.#held[index]
      if (piece === undefined) return
      // It may be on its way to the host as well.
      const data = piece.masked ? piece.data : piece.data.slice()
      data.fill(STAR, Math.max(start - begin, 0), Math.min(end - begin, data.byteLength))
      this.#held[index] = { ...piece, data, masked: true }
      begin += data.byteLength
    }
  }

  *#found(text: string): Generator<[number, number]> {
    for (const needle of this.#needles) {
      const known = new TextDecoder('latin1').decode(new TextEncoder().encode(needle))
      for (let at = text.indexOf(known); at !== -1; at = text.indexOf(known, at + 1)) yield [at, at + known.length]
    }
    if (!this.#isText) return
    for (const { index, 0: found } of text.matchAll(shapes)) yield [index, index + found.length]
    for (const pattern of this.#patterns) {
      for (const { index, 0: found, 1: name = '', 2: value = '' } of text.matchAll(pattern)) {
        // The value is the last of what a pattern takes.
        if (this.#isCredential(name)) yield [index + found.length - value.length, index + found.length]
      }
    }
  }

  #isCredential(name: string): boolean {
    if (this.#way === 'down') return responseFields.test(name)
    return requestFields.test(name) && !harmlessFields.test(name)
  }
}
