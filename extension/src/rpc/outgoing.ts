import type { RpcError, WireError } from './errors'
import { dataBytes, dataText, ITEM_COST, sizeOf } from './messages'

/** How a stream is sent. */
export interface StreamSendOptions {
  /** Which goes first where several could: 0 to 7, the lower the sooner, as in RFC 9218. 3 by default. */
  urgency?: number
  /** At most so many bytes a second. */
  rate?: number
  /** Items that go as one message: as soon as there are `items`, or `delay` milliseconds after the first. */
  batch?: { items?: number; delay?: number }
  /** Whether messages of 1 KiB and more are deflated where that makes them smaller; true by default. */
  compress?: boolean
}

/** An item as it waits: JSON, or bytes. */
export type Item = string | Uint8Array

/** One message of a stream. */
export interface Composed {
  readonly data: string | Uint8Array
  /** Of its first item. */
  readonly index: number
  readonly items: number
  readonly cost: number
}

/** A batch goes when it has so many bytes, however few items they are. */
const BATCH_BYTES = 65_536

/** A stream that this side sends: what waits, what may go, and what the other side may want once more. */
export class Outgoing {
  readonly id: string
  readonly urgency: number
  readonly compress: boolean
  readonly #rate: number
  readonly #batchItems: number
  readonly #batchDelay: number
  #waiting: Item[] = []
  #waitingBytes = 0
  /** Of those that wait, how many are bytes: they go alone. */
  #waitingRaw = 0
  #waitingSince = 0
  /** Sent, and not known to have come. */
  #kept: Composed[] = []
  /** To be sent once more, on a new connection. */
  #again: Composed[] = []
  /** Items that have been put into messages. */
  #items = 0
  /** Of all messages that were sent. */
  #sent = 0
  /** Up to which this may grow: a message may begin below it. */
  #limit = Infinity
  /** By the rate, no message may go before. */
  #sendAt = 0
  /** The other side has said something of it. */
  known = false
  /** `open`: items may come; `closing`: the terminal message is to go; `closed`: it has gone. */
  state: 'open' | 'closing' | 'closed' = 'open'
  /** What it ends with. */
  error: RpcError | null = null
  /** And what the other side is told of it, if that is something else. */
  told: WireError | null = null

  constructor(id: string, options: StreamSendOptions) {
    this.id = id
    this.urgency = options.urgency ?? 3
    this.compress = options.compress ?? true
    this.#rate = options.rate ?? Infinity
    this.#batchItems = options.batch === undefined ? 1 : (options.batch.items ?? 64)
    this.#batchDelay = options.batch?.delay ?? 10
  }

  /** Whether another item should be asked for. */
  get wants(): boolean {
    if (this.state !== 'open') return false
    if (this.#waiting.length === 0) return true
    if (this.#waiting.length >= this.#batchItems || this.#waitingBytes >= BATCH_BYTES) return false
    return this.#waitingRaw === 0
  }

  push(item: Item, now: number): void {
    if (this.#waiting.length === 0) this.#waitingSince = now
    this.#waiting.push(item)
    this.#waitingBytes += item.length
    if (typeof item !== 'string') this.#waitingRaw++
  }

  /** No item comes any more, and those that wait are sent first, unless they are to be dropped. */
  close(error: RpcError | null, drop: boolean, told: WireError | null = null): void {
    this.state = 'closing'
    this.error = error
    this.told = told
    if (!drop) return
    this.#waiting = []
    this.#waitingBytes = 0
    this.#waitingRaw = 0
    this.#again = []
  }

  /** Whether it has something to send, were there credit and room. */
  get due(): boolean {
    return this.state === 'closing' || this.#again.length > 0 || this.#waiting.length > 0
  }

  /** When a message of it may go as far as it knows; null: not before something else happens. */
  sendAt(now: number): number | null {
    const terminal = this.state === 'closing' && this.#waiting.length === 0 && this.#again.length === 0
    if (terminal) return now
    if (!this.due || this.#sent >= this.#limit) return null
    const full = this.#again.length > 0 || this.state === 'closing' || !this.wants
    return Math.max(this.#sendAt, full ? now : this.#waitingSince + this.#batchDelay)
  }

  /** The next message; null: the terminal one. */
  next(extended: boolean, now: number): Composed | null {
    const composed = this.#again.shift() ?? this.#compose(extended)
    if (composed === null) return null
    this.#sent += composed.cost
    this.#sendAt = Math.max(this.#sendAt, now) + (composed.cost / this.#rate) * 1000
    return composed
  }

  #compose(extended: boolean): Composed | null {
    const [first] = this.#waiting
    if (first === undefined) return null
    let items = 1
    if (typeof first === 'string' && extended) {
      while (items < this.#batchItems && typeof this.#waiting[items] === 'string') items++
    }
    const taken = this.#waiting.splice(0, items)
    for (const item of taken) this.#waitingBytes -= item.length
    if (typeof first !== 'string') this.#waitingRaw--
    const index = this.#items
    this.#items += items
    const data =
      typeof first === 'string'
        ? dataText(this.id, taken as string[], extended ? index : undefined)
        : dataBytes(this.id, first, index)
    return { data, index, items, cost: sizeOf(data) + items * ITEM_COST }
  }

  /** Items that were given away. */
  get count(): number {
    return this.#items
  }

  /** The next message is one that a plain peer cannot read. */
  get nextIsBytes(): boolean {
    return typeof this.#waiting[0] === 'object'
  }

  keep(composed: Composed): void {
    this.#kept.push(composed)
  }

  /** The other side has so many items, and lets so much come. */
  credit(received: number, limit: number): void {
    this.known = true
    this.#limit = this.#limit === Infinity ? limit : Math.max(this.#limit, limit)
    while (this.#kept[0] !== undefined && this.#kept[0].index + this.#kept[0].items <= received) this.#kept.shift()
  }

  /** The credit that it begins with. */
  begin(limit: number): void {
    if (this.#limit === Infinity) this.#limit = limit
  }

  /**
   * A new connection, on which the other side has so many items.
   *
   * @returns false: what it lacks is not kept
   */
  resume(received: number, limit: number): boolean {
    this.credit(received, limit)
    const lost = [...this.#kept, ...this.#again]
    const from = lost[0]?.index ?? this.#items
    if (from !== received) return false
    for (const { cost } of this.#kept) this.#sent -= cost
    this.#again = lost
    this.#kept = []
    if (this.state === 'closed') this.state = 'closing'
    return true
  }
}
