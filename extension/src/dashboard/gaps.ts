import { GAP_MS } from '../shared/dashboard'

/** Of all gaps that end within this many milliseconds the longest is drawn: that is as much as anybody sees. */
export const BUCKET_MS = 100

/** Ten minutes of them. */
export const MAX_BUCKETS = 6_000

/** The silences between what came, in time order. */
export class GapSeries {
  /** When each ended, on the wall clock, milliseconds; and how long it was. */
  readonly #ends: number[] = []
  readonly #lengths: number[] = []
  #last: number | null = null
  /** Those of `GAP_MS` and more. */
  long = 0
  longest = 0

  get length(): number {
    return this.#ends.length
  }

  /** @returns the gap, milliseconds; null for the first that came */
  add(at: number): number | null {
    const last = this.#last
    this.#last = at
    if (last === null) return null
    const gap = Math.max(0, at - last)
    if (gap >= GAP_MS) this.long += 1
    this.longest = Math.max(this.longest, gap)
    const end = this.#ends.length - 1
    if (end >= 0 && at - (this.#ends[end] as number) < BUCKET_MS) {
      this.#lengths[end] = Math.max(this.#lengths[end] as number, gap)
      return gap
    }
    this.#ends.push(at)
    this.#lengths.push(gap)
    if (this.#ends.length > MAX_BUCKETS) {
      this.#ends.shift()
      this.#lengths.shift()
    }
    return gap
  }

  /** For a plot: seconds since the epoch, all gaps, and the long ones alone. */
  data(): [x: number[], all: number[], long: (number | null)[]] {
    return [
      this.#ends.map((at) => at / 1000),
      [...this.#lengths],
      this.#lengths.map((gap) => (gap >= GAP_MS ? gap : null))
    ]
  }
}
