import { RpcError, type WireError, wireError } from './errors'
import type { CoreOptions, Link } from './link'
import { endText, type Hello, type Message, sizeOf } from './messages'
import { type Item, Outgoing, type StreamSendOptions } from './outgoing'
import { Schedule } from './schedule'

/** A message to send; `deflatable` if it may be worth it. */
export interface Sendable {
  readonly data: string | Uint8Array
  readonly deflatable: boolean
}

/** Messages smaller than that are not worth deflating. */
const DEFLATE_FROM = 1024

/** All streams that a side sends: which may go, what is sent of them, and what the other side says of them. */
export class Sending {
  readonly #options: CoreOptions
  readonly #link: Link
  readonly #outgoing = new Map<string, Outgoing>()
  readonly #schedule = new Schedule()

  constructor(options: CoreOptions, link: Link) {
    this.#options = options
    this.#link = link
  }

  get size(): number {
    return this.#outgoing.size
  }

  // What the application says

  /** @throws {RpcError} STREAM_ID_IN_USE, TOO_MANY_STREAMS */
  open(streamId: string, options: StreamSendOptions): void {
    if (this.#outgoing.has(streamId)) throw new RpcError('STREAM_ID_IN_USE')
    if (this.#outgoing.size >= this.#options.maxStreams) throw new RpcError('TOO_MANY_STREAMS')
    const outgoing = new Outgoing(streamId, options)
    if (this.#link.other !== null) outgoing.begin(this.#link.other.window)
    this.#outgoing.set(streamId, outgoing)
    this.#link.tell({ type: 'wanted', streamId })
  }

  has(streamId: string): boolean {
    return this.#outgoing.has(streamId)
  }

  /** Whether an item of the stream should be asked for. */
  wants(streamId: string): boolean {
    return this.#outgoing.get(streamId)?.wants ?? false
  }

  push(streamId: string, item: Item, now: number): void {
    const outgoing = this.#outgoing.get(streamId)
    if (outgoing === undefined || outgoing.state !== 'open') return
    outgoing.push(item, now)
    this.#schedule.add(outgoing)
  }

  /** @param drop what waits is not sent any more */
  close(streamId: string, error: RpcError | null, drop: boolean, told: WireError | null = null): void {
    const outgoing = this.#outgoing.get(streamId)
    if (outgoing === undefined || outgoing.state === 'closed' || (outgoing.state === 'closing' && !drop)) return
    outgoing.close(error, drop, told)
    this.#schedule.add(outgoing)
  }

  // What goes

  /** The next message of any stream. */
  next(now: number): Sendable | null {
    for (;;) {
      const outgoing = this.#schedule.next(now)
      if (outgoing === null) return null
      const message = this.#nextOf(outgoing, now)
      if (message !== null) return message
    }
  }

  #nextOf(outgoing: Outgoing, now: number): Sendable | null {
    const extended = this.#link.extended === true
    if (!extended && outgoing.nextIsBytes) outgoing.close(new RpcError('BINARY_UNSUPPORTED'), true)
    const before = outgoing.wants
    const composed = outgoing.next(extended, now)
    if (composed === null) return this.#lastOf(outgoing, extended)
    const size = sizeOf(composed.data)
    if (size > (this.#link.other?.maxMessageBytes ?? this.#options.maxMessageBytes)) {
      const text = `An item makes a message of ${size} bytes, more than the other side takes`
      outgoing.close(new RpcError('TOO_LARGE', text), true)
      this.#schedule.add(outgoing)
      return null
    }
    if (extended && this.#options.resumable) outgoing.keep(composed)
    this.#schedule.add(outgoing)
    if (!before && outgoing.wants) this.#link.tell({ type: 'wanted', streamId: outgoing.id })
    return { data: composed.data, deflatable: outgoing.compress && this.deflatable(composed.data) }
  }

  #lastOf(outgoing: Outgoing, extended: boolean): Sendable {
    outgoing.state = 'closed'
    const error = outgoing.error === null ? null : (outgoing.told ?? wireError(outgoing.error))
    // A plain peer confirms nothing.
    if (!extended) this.#end(outgoing, outgoing.error)
    return { data: endText(outgoing.id, error, extended ? outgoing.count : undefined), deflatable: false }
  }

  /** Whether a message, of a stream or not, may be worth it. */
  deflatable(data: string | Uint8Array): boolean {
    return this.#options.deflate && this.#link.other?.deflate === true && data.length >= DEFLATE_FROM
  }

  // What the other side says

  onWord(message: Message & { type: 'credit' | 'stream-cancel' | 'closed' }): void {
    const outgoing = this.#outgoing.get(message.streamId)
    // A word about a stream that is over came too late, and is none.
    if (outgoing === undefined) return
    if (message.type === 'credit') {
      outgoing.credit(message.received, message.limit)
      this.#schedule.add(outgoing)
    } else if (message.type === 'closed') {
      if (outgoing.state === 'closed') this.#end(outgoing, outgoing.error)
    } else {
      if (outgoing.state !== 'closed') {
        this.#link.control(endText(outgoing.id, wireError(new RpcError('CANCELLED')), outgoing.count))
      }
      this.#end(outgoing, message.error ?? new RpcError('CANCELLED'))
    }
  }

  // The connection, and the clock

  /** Of all of them, for the next connection. */
  get ids(): string[] {
    return [...this.#outgoing.keys()]
  }

  /** It is known whom one speaks to. */
  begin(): void {
    const { extended, other } = this.#link
    for (const outgoing of this.#outgoing.values()) {
      if (extended === true && other !== null) outgoing.begin(other.window)
      this.#schedule.add(outgoing)
    }
  }

  /** There is another connection, on which the other side has so much of each. */
  resumed({ received, window }: Hello): void {
    for (const outgoing of [...this.#outgoing.values()]) {
      const told = received?.[outgoing.id]
      const [items, limit] = told ?? [0, window]
      // What it had once and does not name is over there: it has all of it, or wants no more.
      if (told === undefined && (outgoing.known || outgoing.state === 'closed')) {
        this.#end(outgoing, outgoing.state === 'closed' ? outgoing.error : new RpcError('CANCELLED'))
        continue
      }
      if (!outgoing.resume(items, limit)) {
        outgoing.close(new RpcError('RESUME_FAILED', undefined, { phase: 'resuming' }), true)
      }
      this.#schedule.add(outgoing)
    }
  }

  /** The connection is gone. */
  endAll(error: RpcError): void {
    for (const outgoing of [...this.#outgoing.values()]) this.#end(outgoing, error)
  }

  #end(outgoing: Outgoing, error: RpcError | null): void {
    this.#outgoing.delete(outgoing.id)
    this.#schedule.remove(outgoing)
    this.#link.tell({ type: 'sent', streamId: outgoing.id, error })
  }

  /** When the first of those that wait for a clock may go. */
  deadline(now: number): number {
    return this.#schedule.deadline(now)
  }
}
