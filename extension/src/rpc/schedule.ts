import type { Outgoing } from './outgoing'

const URGENCIES = 8

/** Which stream sends next: the most urgent, in turn among equals, and none before its time. */
export class Schedule {
  readonly #ready: Set<Outgoing>[] = Array.from({ length: URGENCIES }, () => new Set())
  /** Those that wait for a clock: a batch that is not full, a rate. */
  readonly #later = new Set<Outgoing>()

  /** Something of it has changed. */
  add(outgoing: Outgoing): void {
    if (!outgoing.due) return
    this.#later.delete(outgoing)
    ;(this.#ready[outgoing.urgency] as Set<Outgoing>).add(outgoing)
  }

  remove(outgoing: Outgoing): void {
    this.#later.delete(outgoing)
    this.#ready[outgoing.urgency]?.delete(outgoing)
  }

  /** Whose turn it is; it is in no queue any more until it is added again. */
  next(now: number): Outgoing | null {
    for (const outgoing of this.#later) {
      const at = outgoing.sendAt(now)
      if (at === null || at <= now) this.add(outgoing)
    }
    for (const ready of this.#ready) {
      for (const outgoing of ready) {
        ready.delete(outgoing)
        const at = outgoing.sendAt(now)
        if (at !== null && at <= now) return outgoing
        // Without credit it is added again when there is some.
        if (at !== null) this.#later.add(outgoing)
      }
    }
    return null
  }

  deadline(now: number): number {
    let at = Infinity
    for (const outgoing of this.#later) at = Math.min(at, outgoing.sendAt(now) ?? Infinity)
    return at
  }
}
