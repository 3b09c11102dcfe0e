import { RpcError, type WireError, wireError } from './errors'
import { Incoming, type Taken } from './incoming'
import type { CoreOptions, Link } from './link'

/** Ids that were closed here while the other side may still send. */
const MAX_CLOSED_IDS = 1024

/** All streams that a side receives, those that nobody has asked for among them. */
export class Receiving {
  readonly #options: CoreOptions
  readonly #link: Link
  readonly #incoming = new Map<string, Incoming>()
  readonly #unclaimed = new Set<Incoming>()
  #unclaimedBytes = 0
  readonly #creditFor = new Set<string>()
  /** Whether the other side is to be told once more. */
  readonly #closedIds = new Map<string, boolean>()

  constructor(options: CoreOptions, link: Link) {
    this.#options = options
    this.#link = link
  }

  get counts(): { incoming: number; unclaimedBytes: number; closedIds: number } {
    return { incoming: this.#incoming.size, unclaimedBytes: this.#unclaimedBytes, closedIds: this.#closedIds.size }
  }

  /** @throws {RpcError} STREAM_ID_IN_USE, TOO_MANY_STREAMS */
  claim(streamId: string, window: number): void {
    let incoming = this.#incoming.get(streamId)
    if (incoming?.claimed) throw new RpcError('STREAM_ID_IN_USE')
    if (incoming === undefined) {
      if (this.#incoming.size >= this.#options.maxStreams) throw new RpcError('TOO_MANY_STREAMS')
      this.#closedIds.delete(streamId)
      incoming = new Incoming(streamId, this.#options.window)
      this.#incoming.set(streamId, incoming)
    } else if (this.#unclaimed.delete(incoming)) this.#unclaimedBytes -= incoming.waiting
    incoming.claim(window)
    this.#creditIfDue(incoming)
    this.#link.tell({ type: 'readable', streamId })
  }

  /** The next item of a stream that was claimed, its end, or undefined as long as there is neither. */
  take(streamId: string): Taken | undefined {
    const incoming = this.#incoming.get(streamId)
    if (incoming === undefined) return undefined
    const taken = incoming.take()
    if (taken !== undefined && 'end' in taken) this.#forgetIncoming(incoming)
    else this.#creditIfDue(incoming)
    return taken
  }

  /** The reader wants no more. */
  cancel(streamId: string, error: RpcError | null = null): void {
    const incoming = this.#incoming.get(streamId)
    if (incoming === undefined) return
    this.#forgetIncoming(incoming)
    if (!incoming.ended) this.#refuse(streamId, error)
  }

  #creditIfDue(incoming: Incoming): void {
    // What is claimed before its first item came begins with more, too: the sender has the id by then.
    if (this.#link.extended !== false && incoming.creditDue) this.#creditFor.add(incoming.id)
  }

  nextCredit(): string | null {
    // Before hello it would be the first word; and a plain peer knows none.
    if (this.#link.extended !== true) return null
    for (const id of this.#creditFor) {
      this.#creditFor.delete(id)
      const incoming = this.#incoming.get(id)
      if (incoming === undefined || !incoming.creditDue) continue
      const credit = { type: 'StreamCredit', streamId: id, received: incoming.received, limit: incoming.grant() }
      return JSON.stringify(credit)
    }
    return null
  }

  onData(id: string, items: readonly unknown[], index: number | undefined, size: number, now: number): void {
    const extended = this.#link.extended === true
    if (extended && index === undefined) return this.onBad('A message has no index', id)
    const incoming = this.#incoming.get(id) ?? this.#begin(id, index ?? 0, now)
    if (incoming === null) return
    if (incoming.ended) return this.#onLate(id)
    if (extended && index !== incoming.received) {
      const text = `Item ${incoming.received} should have come, and ${index} did`
      return this.#breakOff(incoming, new RpcError('BAD_INDEX', text))
    }
    if (extended && !incoming.open) return this.#breakOff(incoming, new RpcError('FLOW_VIOLATION'))
    const before = incoming.waiting
    incoming.add(items, size)
    if (!incoming.claimed) {
      this.#unclaimedBytes += incoming.waiting - before
      if (this.#unclaimedBytes > this.#options.maxUnclaimedBytes) this.#expire(incoming)
    } else if (!extended && incoming.waiting > this.#options.maxPlainBytes) {
      this.#breakOff(incoming, new RpcError('BUFFER_FULL'))
    } else this.#link.tell({ type: 'readable', streamId: id })
  }

  onEnd(id: string, count: number | undefined, error: RpcError | null, now: number): void {
    const extended = this.#link.extended === true
    if (extended && count === undefined) return this.onBad('An end has no count', id)
    if (extended) this.#link.control(JSON.stringify({ type: 'StreamClosed', streamId: id }))
    if (this.#closedIds.delete(id)) return
    const incoming = this.#incoming.get(id) ?? this.#begin(id, count ?? 0, now)
    if (incoming === null || incoming.ended) return
    const missing = extended && error === null && count !== incoming.received
    const text = `${incoming.received} items came of ${count}`
    incoming.close(missing ? new RpcError('BAD_INDEX', text) : error)
    this.#creditFor.delete(id)
    if (incoming.claimed) this.#link.tell({ type: 'readable', streamId: id })
  }

  onBad(text: string, streamId: string | undefined): void {
    const error = new RpcError('BAD_MESSAGE', text)
    this.#link.tell({ type: 'violation', error })
    const incoming = streamId === undefined ? undefined : this.#incoming.get(streamId)
    if (incoming !== undefined) this.#breakOff(incoming, error)
  }

  /** The stream that came under this id has not been read to its end. */
  #onLate(id: string): void {
    // Or it was broken off, and this was on its way.
    if (this.#closedIds.has(id)) return
    const error = new RpcError('STREAM_ID_IN_USE')
    this.#link.tell({ type: 'violation', error })
    if (this.#link.extended === true) this.#tellCancel(id, error)
  }

  /** A stream of which nobody knew; null: it is none, or none that may be. */
  #begin(id: string, index: number, now: number): Incoming | null {
    const again = this.#closedIds.get(id)
    if (again !== undefined) {
      this.#closedIds.set(id, false)
      if (again && this.#link.extended === true) this.#tellCancel(id, null)
      return null
    }
    // Of a stream that was forgotten.
    if (index > 0) return null
    if (this.#incoming.size >= this.#options.maxStreams) {
      this.#refuse(id, new RpcError('TOO_MANY_STREAMS'))
      return null
    }
    const incoming = new Incoming(id, this.#options.window)
    incoming.expires = now + this.#options.unclaimedTimeout
    this.#unclaimed.add(incoming)
    this.#incoming.set(id, incoming)
    return incoming
  }

  /** The other side is at fault: the reader gets the error, and the sender is told. */
  #breakOff(incoming: Incoming, error: RpcError): void {
    if (incoming.ended) return
    if (!incoming.claimed) return this.#expire(incoming, error)
    this.#refuse(incoming.id, error)
    this.#endIncoming(incoming, error)
  }

  #endIncoming(incoming: Incoming, error: RpcError | null): void {
    if (incoming.ended) return
    incoming.close(error)
    this.#creditFor.delete(incoming.id)
    this.#link.tell({ type: 'readable', streamId: incoming.id })
  }

  #forgetIncoming(incoming: Incoming): void {
    this.#incoming.delete(incoming.id)
    this.#creditFor.delete(incoming.id)
    if (this.#unclaimed.delete(incoming)) this.#unclaimedBytes -= incoming.waiting
  }

  #expire(incoming: Incoming, error = new RpcError('UNCLAIMED')): void {
    this.#forgetIncoming(incoming)
    if (!incoming.ended) this.#refuse(incoming.id, error)
    this.#link.tell({ type: 'unclaimed', streamId: incoming.id, items: incoming.received })
  }

  /** Tells the other side to stop, and does not know what it still sends. */
  #refuse(streamId: string, error: RpcError | null): void {
    this.#closedIds.set(streamId, false)
    if (this.#closedIds.size > MAX_CLOSED_IDS) this.#closedIds.delete(this.#closedIds.keys().next().value as string)
    if (this.#link.extended === true && this.#link.state === 'open') this.#tellCancel(streamId, error)
  }

  #tellCancel(streamId: string, error: RpcError | null): void {
    const told: { error?: WireError } = error === null ? {} : { error: wireError(error) }
    this.#link.control(JSON.stringify({ type: 'StreamCancel', streamId, ...told }))
  }

  // The connection, and the clock

  /** What came of each, and how much may come, for the next connection. */
  received(): Record<string, readonly [number, number]> {
    const streams: Record<string, readonly [number, number]> = Object.create(null)
    for (const [id, incoming] of this.#incoming) {
      // Credit that was not told any more.
      if (incoming.creditDue) incoming.grant()
      if (!incoming.ended) streams[id] = [incoming.received, incoming.limit]
    }
    return streams
  }

  /** There is another connection, and on its other side these streams. */
  resumed(there: ReadonlySet<string>): void {
    for (const id of this.#closedIds.keys()) this.#closedIds.set(id, true)
    for (const [id, incoming] of this.#incoming) {
      if (incoming.ended || there.has(id) || incoming.received === 0) continue
      this.#endIncoming(incoming, new RpcError('RESUME_FAILED', undefined, { phase: 'resuming' }))
    }
  }

  endAll(error: RpcError): void {
    for (const incoming of [...this.#incoming.values()]) {
      if (incoming.claimed) this.#endIncoming(incoming, error)
      else this.#forgetIncoming(incoming)
    }
    this.#closedIds.clear()
  }

  get deadline(): number {
    // The oldest is the first.
    for (const { expires } of this.#unclaimed) return expires
    return Infinity
  }

  tick(now: number): void {
    for (const incoming of this.#unclaimed) {
      if (now < incoming.expires) break
      this.#expire(incoming)
    }
  }
}
