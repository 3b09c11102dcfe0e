/** Over how long a rate is taken: long enough to be calm, short enough to be of now. */
export const RATE_MS = 2_000

/** Between two samples that are kept, and for how long. */
export const SAMPLE_MS = 500
export const KEPT_MS = 60_000

export interface Sample {
  /** On the wall clock, milliseconds. */
  readonly at: number
  readonly received: number
  readonly sent: number
}

/** How fast one stream goes, both ways, from what was told of it. */
export class RateMeter {
  #samples: Sample[] = []

  get samples(): readonly Sample[] {
    return this.#samples
  }

  add(sample: Sample): void {
    const last = this.#samples.at(-1)
    const before = this.#samples.at(-2)
    // The newest counts always; of those before it one for each interval.
    if (last !== undefined && before !== undefined && last.at - before.at < SAMPLE_MS) this.#samples.pop()
    this.#samples.push(sample)
    const first = this.#samples[0] as Sample
    if (sample.at - first.at > KEPT_MS + RATE_MS) {
      this.#samples = this.#samples.filter(({ at }) => sample.at - at <= KEPT_MS)
    }
  }

  /** Bytes per second up to `now`; null as long as there is nothing to compare with. */
  at(now: number): { readonly in: number; readonly out: number } | null {
    const last = this.#samples.at(-1)
    if (last === undefined) return null
    const start = this.#samples.findLast(({ at }) => now - at >= RATE_MS) ?? (this.#samples[0] as Sample)
    const ms = Math.max(now, last.at) - start.at
    if (ms <= 0) return null
    return { in: ((last.received - start.received) * 1000) / ms, out: ((last.sent - start.sent) * 1000) / ms }
  }
}
