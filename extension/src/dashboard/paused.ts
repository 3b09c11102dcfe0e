import { COUNTED, HISTORY_STREAMS, type Piece, type StreamRecord, type Update } from '../shared/dashboard'

/** Bytes of pieces that are held for a view that is paused; the newer ones are let go of. */
export const PAUSED_BYTES = 8 * 1_048_576

/**
 * What the worker tells while a person reads: put together, so that it stays small however long that takes. The streams
 * know nothing of it and go on.
 */
export class Paused {
  #records = new Map<number, StreamRecord>()
  #counts = new Map<number, Float64Array>()
  #pieces: Piece[] = []
  #bytes = 0
  #last: Update | null = null
  #anew = false

  /** How many streams were told of. */
  get size(): number {
    return new Set([...this.#records.keys(), ...this.#counts.keys()]).size
  }

  add(update: Update): void {
    if (update.anew) {
      this.#records.clear()
      this.#counts.clear()
      this.#anew = true
    }
    for (const record of update.records) {
      this.#records.set(record.id, record)
      this.#counts.delete(record.id)
    }
    // What the history has no room for is not told of either.
    const spare = this.#records.size - 2 * HISTORY_STREAMS
    if (spare > 0) for (const id of [...this.#records.keys()].slice(0, spare)) this.#records.delete(id)
    const step = COUNTED.length + 1
    for (let i = 0; i < update.counts.length; i += step) {
      this.#counts.set(update.counts[i] as number, update.counts.slice(i, i + step))
    }
    if (update.looked?.stream !== this.#last?.looked?.stream) this.#forgetPieces()
    for (const piece of update.pieces) this.#hold(piece)
    this.#last = update
  }

  /** All of it as one update; null if nothing was told. */
  take(): Update | null {
    const last = this.#last
    if (last === null) return null
    const counts = new Float64Array([...this.#counts.values()].flatMap((numbers) => [...numbers]))
    const update = { ...last, anew: this.#anew, records: [...this.#records.values()], counts, pieces: this.#pieces }
    this.#records = new Map()
    this.#counts = new Map()
    this.#forgetPieces()
    this.#last = null
    this.#anew = false
    return update
  }

  #forgetPieces(): void {
    this.#pieces = []
    this.#bytes = 0
  }

  #hold(piece: Piece): void {
    this.#bytes += piece.data?.byteLength ?? 0
    const last = this.#pieces.at(-1)
    if (this.#bytes <= PAUSED_BYTES) this.#pieces.push(piece)
    else if (last?.data === null && last.direction === piece.direction) {
      this.#pieces[this.#pieces.length - 1] = { ...last, size: last.size + piece.size }
    } else this.#pieces.push({ direction: piece.direction, at: piece.at, size: piece.size, data: null })
  }
}
