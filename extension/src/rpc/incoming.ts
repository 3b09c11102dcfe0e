import type { RpcError } from './errors'
import { ITEM_COST } from './messages'

/** What a reader gets: an item, or the end of the stream. */
export type Taken = { readonly item: unknown } | { readonly end: RpcError | null }

interface Queued {
  readonly item: unknown
  /** Of its message, with the last item of it. */
  readonly cost: number
}

/** A stream that this side receives. */
export class Incoming {
  readonly id: string
  #window: number
  #queue: Queued[] = []
  #head = 0
  /** Items that came. */
  received = 0
  /** Of all that came, and of what was taken. */
  #cost = 0
  #taken = 0
  /** Up to which the other side may send. */
  limit: number
  #end: { readonly error: RpcError | null } | null = null
  /** Somebody reads it; until then it waits until `expires`. */
  claimed = false
  expires = Infinity

  constructor(id: string, window: number) {
    this.id = id
    this.#window = window
    this.limit = window
  }

  /** Bytes that wait to be read. */
  get waiting(): number {
    return this.#cost - this.#taken
  }

  get ended(): boolean {
    return this.#end !== null
  }

  /** Nothing is left of it. */
  get finished(): boolean {
    return this.#end !== null && this.#head === this.#queue.length
  }

  /** Whether a message may come now, by the credit that was given. */
  get open(): boolean {
    return this.#cost < this.limit
  }

  /** @param bytes of the message */
  add(items: readonly unknown[], bytes: number): void {
    const cost = bytes + items.length * ITEM_COST
    items.forEach((item, at) => {
      this.#queue.push({ item, cost: at === items.length - 1 ? cost : 0 })
    })
    this.received += items.length
    this.#cost += cost
  }

  /** @param error with one, what waits is still read first */
  close(error: RpcError | null): void {
    this.#end ??= { error }
  }

  /** The next item, the end, or undefined: neither is there. */
  take(): Taken | undefined {
    const queued = this.#queue[this.#head]
    if (queued === undefined) return this.#end === null ? undefined : { end: this.#end.error }
    this.#queue[this.#head] = undefined as never
    if (++this.#head > 64 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    this.#taken += queued.cost
    return { item: queued.item }
  }

  claim(window: number): void {
    this.claimed = true
    this.expires = Infinity
    this.#window = Math.max(this.#window, window)
  }

  /** Whether the other side is to be told of more credit: when a quarter of the window can be given. */
  get creditDue(): boolean {
    return this.#end === null && this.claimed && this.#taken + this.#window - this.limit >= this.#window / 4
  }

  /** Gives it. */
  grant(): number {
    this.limit = this.#taken + this.#window
    return this.limit
  }
}
