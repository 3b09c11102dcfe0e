/** Over how long a rate is taken: long enough to be calm, short enough to be of now. */
export const RATE_WINDOW_MS = 3_000

interface Sample {
  readonly at: number
  readonly bytes: number
}

/** Bytes per second of each stream, from what was told of it in the last seconds. */
export class Rates {
  #samples = new Map<number, Sample[]>()

  /** What is known of the streams now. Those that are not among them are forgotten. */
  add(at: number, streams: readonly { readonly id: number; readonly received: number }[]): void {
    const next = new Map<number, Sample[]>()
    for (const { id, received } of streams) {
      const samples = [...(this.#samples.get(id) ?? []), { at, bytes: received }]
      // One that is older than the window stays, as its beginning.
      const start = samples.findLastIndex((sample) => at - sample.at >= RATE_WINDOW_MS)
      next.set(id, samples.slice(Math.max(0, start)))
    }
    this.#samples = next
  }

  /** @returns null as long as there is nothing to compare with */
  of(id: number): number | null {
    const samples = this.#samples.get(id) ?? []
    const first = samples[0]
    const last = samples.at(-1)
    if (first === undefined || last === undefined || last.at <= first.at) return null
    return ((last.bytes - first.bytes) * 1000) / (last.at - first.at)
  }
}
