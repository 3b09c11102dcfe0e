/** How many status questions one relay may have open. The shim has one. */
export const MAX_STATUS_REQUESTS = 32

/** A page's question that the host has not answered yet. */
export interface AskedStatus<P> {
  readonly peer: P
  readonly request: number
}

/** Open STATUS_REQUESTs, under numbers of the worker's own. */
export class StatusDesk<P extends object> {
  readonly #asked = new Map<number, AskedStatus<P>>()
  #lastRequest = 0

  get size(): number {
    return this.#asked.size
  }

  /** @returns the number to ask the host by, or undefined if this relay has too many questions open */
  ask(peer: P, request: number): number | undefined {
    let open = 0
    for (const asked of this.#asked.values()) if (asked.peer === peer) open += 1
    if (open >= MAX_STATUS_REQUESTS) return undefined
    this.#lastRequest += 1
    this.#asked.set(this.#lastRequest, { peer, request })
    return this.#lastRequest
  }

  /** The question behind the host's answer, which is thereby answered. */
  take(hostRequest: number): AskedStatus<P> | undefined {
    const asked = this.#asked.get(hostRequest)
    this.#asked.delete(hostRequest)
    return asked
  }

  takeAll(): AskedStatus<P>[] {
    const all = [...this.#asked.values()]
    this.#asked.clear()
    return all
  }

  forget(peer: P): void {
    for (const [number, asked] of this.#asked) if (asked.peer === peer) this.#asked.delete(number)
  }
}
