import type { Piece } from '../shared/dashboard'
import { inflated } from '../shared/inflated'

/**
 * Gives pieces on in their order, plain. What is not compressed is given at once, as long as nothing before it is still
 * being unpacked.
 */
export class Inflater {
  readonly #give: (piece: Piece, plain: Uint8Array<ArrayBuffer> | null) => void
  #queue: Piece[] = []
  #busy = false
  #closed = false

  constructor(give: (piece: Piece, plain: Uint8Array<ArrayBuffer> | null) => void) {
    this.#give = give
  }

  push(pieces: readonly Piece[]): void {
    this.#queue.push(...pieces)
    if (!this.#busy) void this.#run()
  }

  close(): void {
    this.#closed = true
  }

  async #run(): Promise<void> {
    this.#busy = true
    let i = 0
    for (; i < this.#queue.length && !this.#closed; i++) {
      const piece = this.#queue[i] as Piece
      const { data, encoding } = piece
      // What cannot be unpacked is not there: the page had an error of it.
      const plain = data === null || encoding === undefined ? data : await inflated(data, encoding).catch(() => null)
      this.#give(piece, plain)
    }
    this.#queue = []
    this.#busy = false
  }
}
