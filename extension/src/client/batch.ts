import { later, type Timer } from './waiting'

/** When a batch is given: with the next animation frame, or every so many milliseconds. */
export type BatchInterval = 'frame' | number

/** A hidden page has no animation frames; what waits for one is given after this many milliseconds. */
const HIDDEN_FRAME_MS = 100

/**
 * Collects items and gives them in batches. The interval runs from the first item of a batch, so that a stream which never
 * pauses starves nobody.
 */
export class Batcher<T> {
  readonly #interval: BatchInterval
  readonly #give: (items: T[]) => void
  #items: T[] = []
  #timer: Timer | undefined
  #frame: number | undefined

  constructor(interval: BatchInterval, give: (items: T[]) => void) {
    this.#interval = interval
    this.#give = give
  }

  add(item: T): void {
    this.#items.push(item)
    if (this.#items.length > 1) return
    const due = () => this.flush()
    if (this.#interval !== 'frame') this.#timer = later(due, this.#interval)
    else {
      this.#timer = later(due, HIDDEN_FRAME_MS)
      this.#frame = globalThis.requestAnimationFrame?.(due)
    }
  }

  /** Give what has been collected, now. */
  flush(): void {
    clearTimeout(this.#timer)
    if (this.#frame !== undefined) globalThis.cancelAnimationFrame?.(this.#frame)
    this.#frame = undefined
    if (this.#items.length === 0) return
    const items = this.#items
    this.#items = []
    this.#give(items)
  }
}
