import { RpcError, type RpcPhase, type WireError, wireError } from './errors'
import { Incoming, type Taken } from './incoming'
import { endText, type Hello, helloText, type Message, readMessage, sizeOf, VERSION } from './messages'
import { type Item, Outgoing, type StreamSendOptions } from './outgoing'
import { Requests } from './requests'
import { Schedule } from './schedule'

/** What a side is made of; milliseconds and bytes. */
export interface CoreOptions {
  /** `connect` says hello at once, `accept` answers it. */
  readonly role: 'connect' | 'accept'
  /** Its own, of 128 random bits. */
  readonly token: string
  readonly window: number
  readonly maxMessageBytes: number
  readonly maxStreams: number
  readonly maxRequests: number
  /** Of streams that nobody has asked for, together. */
  readonly maxUnclaimedBytes: number
  readonly unclaimedTimeout: number
  /** Of a stream of a plain peer, which knows no credit. */
  readonly maxPlainBytes: number
  readonly helloTimeout: number
  readonly resumeTimeout: number
  readonly resumable: boolean
  readonly deflate: boolean
}

export type CoreEvent =
  /** It is known whom one speaks to. */
  | { readonly type: 'ready'; readonly extended: boolean; readonly resumed: boolean }
  /** The other side wants its streams back: those of the side with the token `resume`. */
  | { readonly type: 'resume-asked'; readonly hello: Hello }
  /** `push` may be called. */
  | { readonly type: 'wanted'; readonly streamId: string }
  /** A stream that was sent is over, for whatever reason; once for each. */
  | { readonly type: 'sent'; readonly streamId: string; readonly error: RpcError | null }
  /** `take` has something. */
  | { readonly type: 'readable'; readonly streamId: string }
  | { readonly type: 'unclaimed'; readonly streamId: string; readonly items: number }
  | { readonly type: 'request'; readonly requestId: string; readonly data: unknown; readonly notify: boolean }
  | { readonly type: 'request-cancelled'; readonly requestId: string }
  | {
      readonly type: 'response'
      readonly requestId: string
      readonly data: unknown
      readonly error: RpcError | null
    }
  /** The other side sent what is against the protocol; it is told nothing. */
  | { readonly type: 'violation'; readonly error: RpcError }
  /** The connection was lost, and its streams wait for the next one. */
  | { readonly type: 'detached' }
  /** No next one came in time. */
  | { readonly type: 'expired' }
  /** The socket is of no use. */
  | { readonly type: 'close'; readonly code: number; readonly reason: string }

/** A message to send; `deflatable` if it may be worth it. */
export interface Sendable {
  readonly data: string | Uint8Array
  readonly deflatable: boolean
}

/** Messages smaller than that are not worth deflating. */
const DEFLATE_FROM = 1024

/** Answers to a side that asks and does not read. */
const MAX_CONTROLS = 20_000

/** Ids that were closed here while the other side may still send. */
const MAX_CLOSED_IDS = 1024

/**
 * One side of the protocol: messages in, events and messages out; no socket, no timer, no promise. `now` is milliseconds of
 * any clock that never goes back.
 */
export class Core {
  readonly #options: CoreOptions
  #state: 'idle' | 'open' | 'detached' | 'closed' = 'idle'
  /** Null until it is known whom one speaks to. */
  #extended: boolean | null = null
  #other: Hello | null = null
  /** The token of the side before a connection was lost. */
  #resuming: string | null = null
  #helloBy = Infinity
  #detachedUntil = Infinity
  #controls: string[] = []
  #pong: string | null = null
  readonly #creditFor = new Set<string>()
  readonly #outgoing = new Map<string, Outgoing>()
  readonly #incoming = new Map<string, Incoming>()
  readonly #unclaimed = new Set<Incoming>()
  #unclaimedBytes = 0
  /** Whether the other side is to be told once more. */
  readonly #closedIds = new Map<string, boolean>()
  readonly #requests = new Requests()
  readonly #schedule = new Schedule()
  #events: CoreEvent[] = []

  constructor(options: CoreOptions) {
    this.#options = options
  }

  get extended(): boolean | null {
    return this.#extended
  }

  get state(): 'idle' | 'open' | 'detached' | 'closed' {
    return this.#state
  }

  get token(): string {
    return this.#options.token
  }

  /** Streams wait for another connection when this one is lost. */
  get keeps(): boolean {
    const kept = this.#extended === true ? this.#other?.resumable === true : this.#resuming !== null
    return this.#options.resumable && kept
  }

  /** The other side's token; null as long as none is known. */
  get otherToken(): string | null {
    return this.#other?.peer ?? this.#resuming
  }

  /** How much there is of everything. */
  get counts(): { outgoing: number; incoming: number; requests: number; unclaimedBytes: number; closedIds: number } {
    return {
      outgoing: this.#outgoing.size,
      incoming: this.#incoming.size,
      requests: this.#requests.size,
      unclaimedBytes: this.#unclaimedBytes,
      closedIds: this.#closedIds.size
    }
  }

  /** What happened since the last call. */
  events(): CoreEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  get hasEvents(): boolean {
    return this.#events.length > 0
  }

  // The connection

  /** There is a socket, the first one or the next. */
  opened(now: number): void {
    this.#resuming = this.otherToken
    this.#state = 'open'
    this.#extended = null
    this.#other = null
    this.#helloBy = now + this.#options.helloTimeout
    this.#detachedUntil = Infinity
    if (this.#options.role === 'connect') this.#sayHello(now)
    // A peer of any kind answers that, and so shows which one it is; it must not wait for us to speak first.
    else this.#control(JSON.stringify({ category: 'ping', timestamp: Math.round(now) }))
  }

  #sayHello(now: number, answer: { resumed?: boolean } = {}): void {
    const { token, window, maxMessageBytes, deflate, resumable } = this.#options
    const resume = this.#options.role === 'connect' ? this.#resuming : null
    const own = { version: VERSION, peer: token, window, maxMessageBytes, deflate, resumable, ...answer }
    const state = { received: this.#receivedStreams(), sending: [...this.#outgoing.keys()] }
    const hello = {
      ...own,
      ...(resume !== null && { resume }),
      ...((resume !== null || answer.resumed === true) && state)
    }
    this.#control(helloText(hello, Math.round(now)))
  }

  #receivedStreams(): Record<string, readonly [number, number]> {
    const streams: Record<string, readonly [number, number]> = Object.create(null)
    for (const [id, incoming] of this.#incoming) {
      // Credit that was not told any more.
      if (incoming.creditDue) incoming.grant()
      if (!incoming.ended) streams[id] = [incoming.received, incoming.limit]
    }
    return streams
  }

  /** A message came, inflated. */
  receive(data: string | Uint8Array, now: number): void {
    if (this.#state !== 'open') return
    const size = sizeOf(data)
    if (size > this.#options.maxMessageBytes) return this.#closeSocket(1009, 'message too large')
    const message = readMessage(data)
    if (message.type === 'hello') return this.#onHello(message.hello, now)
    // Both kinds ping.
    if (this.#extended === null && message.type !== 'ping') this.#decide(false, now)
    this.#onMessage(message, size, now)
  }

  #onHello(hello: Hello, now: number): void {
    if (this.#extended !== null) return this.#closeSocket(1002, 'hello came late')
    this.#other = hello
    if (this.#options.role === 'accept' && hello.resume !== undefined) {
      this.#events.push({ type: 'resume-asked', hello })
      return
    }
    if (this.#options.role === 'accept') this.#sayHello(now)
    this.#decide(true, now)
    if (this.#options.role !== 'connect' || this.#resuming === null) return
    if (hello.resumed === true) this.#resumeStreams(hello)
    else this.#endAll(new RpcError('RESUME_FAILED', undefined, { phase: 'resuming' }))
  }

  /** The answer to `resume-asked`: this side begins anew, and the other one's streams end. */
  refuseResume(now: number): void {
    this.#sayHello(now, { resumed: false })
    this.#decide(true, now)
  }

  /** This side kept its streams: they go on over the socket on which another one was asked for them. */
  resume(hello: Hello, now: number): void {
    this.opened(now)
    this.#controls = []
    this.#other = hello
    this.#sayHello(now, { resumed: true })
    this.#decide(true, now)
    this.#resumeStreams(hello)
  }

  #resumeStreams({ received, sending }: Hello): void {
    const there = new Set(sending)
    for (const id of this.#closedIds.keys()) this.#closedIds.set(id, true)
    for (const [id, incoming] of this.#incoming) {
      if (incoming.ended || there.has(id) || incoming.received === 0) continue
      this.#endIncoming(incoming, new RpcError('RESUME_FAILED', undefined, { phase: 'resuming' }))
    }
    for (const outgoing of [...this.#outgoing.values()]) {
      const [items, limit] = received?.[outgoing.id] ?? [0, this.#other?.window ?? 0]
      const told = received?.[outgoing.id] !== undefined
      // What it had once and does not name is over there: it has all of it, or wants no more.
      if (!told && (outgoing.known || outgoing.state === 'closed')) {
        this.#endOutgoing(outgoing, outgoing.state === 'closed' ? outgoing.error : new RpcError('CANCELLED'))
      } else if (!outgoing.resume(items, limit)) {
        outgoing.close(new RpcError('RESUME_FAILED', undefined, { phase: 'resuming' }), true)
        this.#schedule.add(outgoing)
      } else this.#schedule.add(outgoing)
    }
  }

  #decide(extended: boolean, _now: number): void {
    this.#extended = extended
    this.#helloBy = Infinity
    if (!extended) this.#creditFor.clear()
    const resuming = this.#resuming !== null
    if (resuming && !extended) this.#endAll(new RpcError('RESUME_FAILED', undefined, { phase: 'resuming' }))
    if (extended) for (const outgoing of this.#outgoing.values()) outgoing.begin(this.#other?.window ?? 0)
    for (const outgoing of this.#outgoing.values()) this.#schedule.add(outgoing)
    const resumed = resuming && (this.#options.role === 'accept' || this.#other?.resumed === true)
    this.#events.push({ type: 'ready', extended, resumed })
  }

  /** The socket is gone. `final`: no other one will come. */
  closed(code: number, reason: string, final: boolean, now: number): void {
    if (this.#state === 'closed') return
    const phase: RpcPhase = final && code === 1000 ? 'closing' : this.#extended === null ? 'connecting' : 'open'
    const said = reason === '' ? `code ${code}` : `code ${code}, ${reason}`
    const text = `Connection closed (${said})`
    const error = new RpcError('CONNECTION_CLOSED', text, { phase, closeCode: code, closeReason: reason })
    this.#controls = []
    this.#pong = null
    this.#creditFor.clear()
    for (const id of this.#requests.takeAsked())
      this.#events.push({ type: 'response', requestId: id, data: null, error })
    for (const id of this.#requests.takeServed()) this.#events.push({ type: 'request-cancelled', requestId: id })
    if (!final && this.keeps) {
      if (this.#state !== 'detached') this.#detachedUntil = now + this.#options.resumeTimeout
      this.#state = 'detached'
      this.#helloBy = Infinity
      this.#events.push({ type: 'detached' })
      return
    }
    this.#endAll(error)
    // Without a next one that is the end; with one, streams begin anew on it.
    if (final) this.#state = 'closed'
    else this.#forget()
  }

  #forget(): void {
    this.#state = 'idle'
    this.#extended = null
    this.#other = null
    this.#resuming = null
    this.#helloBy = Infinity
    this.#detachedUntil = Infinity
  }

  #control(text: string): void {
    this.#controls.push(text)
    if (this.#controls.length === MAX_CONTROLS) this.#closeSocket(1008, 'too many messages unread')
  }

  #closeSocket(code: number, reason: string): void {
    this.#events.push({ type: 'close', code, reason })
  }

  #endAll(error: RpcError): void {
    for (const outgoing of [...this.#outgoing.values()]) this.#endOutgoing(outgoing, error)
    for (const incoming of [...this.#incoming.values()]) {
      if (incoming.claimed) this.#endIncoming(incoming, error)
      else this.#forgetIncoming(incoming)
    }
    this.#closedIds.clear()
  }

  #endOutgoing(outgoing: Outgoing, error: RpcError | null): void {
    this.#outgoing.delete(outgoing.id)
    this.#schedule.remove(outgoing)
    this.#events.push({ type: 'sent', streamId: outgoing.id, error })
  }

  #endIncoming(incoming: Incoming, error: RpcError | null): void {
    if (incoming.ended) return
    incoming.close(error)
    this.#creditFor.delete(incoming.id)
    this.#events.push({ type: 'readable', streamId: incoming.id })
  }

  #forgetIncoming(incoming: Incoming): void {
    this.#incoming.delete(incoming.id)
    this.#creditFor.delete(incoming.id)
    if (this.#unclaimed.delete(incoming)) this.#unclaimedBytes -= incoming.waiting
  }

  // Clocks

  /** When `tick` is to be called, milliseconds; Infinity: never. */
  deadline(now: number): number {
    let at = Math.min(this.#helloBy, this.#detachedUntil, this.#requests.deadline)
    // The oldest is the first.
    for (const { expires } of this.#unclaimed) {
      at = Math.min(at, expires)
      break
    }
    return this.#extended === null || this.#state !== 'open' ? at : Math.min(at, this.#schedule.deadline(now))
  }

  tick(now: number): void {
    if (now >= this.#helloBy) this.#decide(false, now)
    if (now >= this.#detachedUntil && this.#state === 'detached') {
      this.#endAll(
        new RpcError('CONNECTION_CLOSED', 'Connection closed, and not resumed in time', { phase: 'resuming' })
      )
      this.#forget()
      this.#events.push({ type: 'expired' })
    }
    for (const id of this.#requests.expired(now)) {
      this.#events.push({ type: 'response', requestId: id, data: null, error: new RpcError('REQUEST_TIMEOUT') })
      this.#tellCancelled(id)
    }
    for (const incoming of this.#unclaimed) {
      if (now < incoming.expires) break
      this.#expire(incoming)
    }
  }

  #expire(incoming: Incoming, error = new RpcError('UNCLAIMED')): void {
    this.#forgetIncoming(incoming)
    if (!incoming.ended) this.#refuse(incoming.id, error)
    this.#events.push({ type: 'unclaimed', streamId: incoming.id, items: incoming.received })
  }

  /** Tells the other side to stop, and does not know what it still sends. */
  #refuse(streamId: string, error: RpcError | null): void {
    this.#closedIds.set(streamId, false)
    if (this.#closedIds.size > MAX_CLOSED_IDS) this.#closedIds.delete(this.#closedIds.keys().next().value as string)
    if (this.#extended === true && this.#state === 'open') this.#tellCancel(streamId, error)
  }

  #tellCancel(streamId: string, error: RpcError | null): void {
    const told: { error?: WireError } = error === null ? {} : { error: wireError(error) }
    this.#control(JSON.stringify({ type: 'StreamCancel', streamId, ...told }))
  }

  // Messages

  #onMessage(message: Message, size: number, now: number): void {
    switch (message.type) {
      case 'data':
        return this.#onData(message.streamId, message.items, message.index, size, now)
      case 'end':
        return this.#onEnd(message.streamId, message.count, message.error, now)
      case 'ping':
        this.#pong = JSON.stringify({ category: 'pong', timestamp: message.timestamp })
        return
      case 'request':
        return this.#onRequest(message.requestId, message.data, message.notify)
      case 'response':
        if (this.#requests.answered(message.requestId)) this.#events.push(message)
        return
      case 'error':
        if (message.requestId !== undefined && this.#requests.answered(message.requestId)) {
          const { requestId, error } = message
          this.#events.push({ type: 'response', requestId, data: null, error })
        } else this.#events.push({ type: 'violation', error: message.error })
        return
      case 'bad':
        return this.#onBad(message.text, message.streamId)
    }
    if (this.#extended !== true) return
    if (message.type === 'cancel') {
      if (this.#requests.served(message.requestId)) {
        this.#events.push({ type: 'request-cancelled', requestId: message.requestId })
      }
      return
    }
    if (message.type !== 'credit' && message.type !== 'stream-cancel' && message.type !== 'closed') return
    const outgoing = this.#outgoing.get(message.streamId)
    // A word about a stream that is over came too late, and is none.
    if (outgoing === undefined) return
    if (message.type === 'credit') {
      outgoing.credit(message.received, message.limit)
      this.#schedule.add(outgoing)
    } else if (message.type === 'closed') {
      if (outgoing.state === 'closed') this.#endOutgoing(outgoing, outgoing.error)
    } else {
      if (outgoing.state !== 'closed') {
        this.#control(endText(outgoing.id, wireError(new RpcError('CANCELLED')), outgoing.count))
      }
      this.#endOutgoing(outgoing, message.error ?? new RpcError('CANCELLED'))
    }
  }

  #onBad(text: string, streamId: string | undefined): void {
    const error = new RpcError('BAD_MESSAGE', text)
    this.#events.push({ type: 'violation', error })
    const incoming = streamId === undefined ? undefined : this.#incoming.get(streamId)
    if (incoming !== undefined) this.#breakOff(incoming, error)
  }

  /** The other side is at fault: the reader gets the error, and the sender is told. */
  #breakOff(incoming: Incoming, error: RpcError): void {
    if (incoming.ended) return
    if (!incoming.claimed) return this.#expire(incoming, error)
    this.#refuse(incoming.id, error)
    this.#endIncoming(incoming, error)
  }

  #onData(id: string, items: readonly unknown[], index: number | undefined, size: number, now: number): void {
    const extended = this.#extended === true
    if (extended && index === undefined) return this.#onBad('A message has no index', id)
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
    } else this.#events.push({ type: 'readable', streamId: id })
  }

  /** The stream that came under this id has not been read to its end. */
  #onLate(id: string): void {
    // Or it was broken off, and this was on its way.
    if (this.#closedIds.has(id)) return
    const error = new RpcError('STREAM_ID_IN_USE')
    this.#events.push({ type: 'violation', error })
    if (this.#extended === true) this.#tellCancel(id, error)
  }

  /** A stream of which nobody knew; null: it is none, or none that may be. */
  #begin(id: string, index: number, now: number): Incoming | null {
    const again = this.#closedIds.get(id)
    if (again !== undefined) {
      this.#closedIds.set(id, false)
      if (again && this.#extended === true) this.#tellCancel(id, null)
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

  #onEnd(id: string, count: number | undefined, error: RpcError | null, now: number): void {
    const extended = this.#extended === true
    if (extended && count === undefined) return this.#onBad('An end has no count', id)
    if (extended) this.#control(JSON.stringify({ type: 'StreamClosed', streamId: id }))
    if (this.#closedIds.delete(id)) return
    const incoming = this.#incoming.get(id) ?? this.#begin(id, count ?? 0, now)
    if (incoming === null || incoming.ended) return
    const missing = extended && error === null && count !== incoming.received
    const text = `${incoming.received} items came of ${count}`
    incoming.close(missing ? new RpcError('BAD_INDEX', text) : error)
    this.#creditFor.delete(id)
    if (incoming.claimed) this.#events.push({ type: 'readable', streamId: id })
  }

  // What this side sends

  /** @throws {RpcError} STREAM_ID_IN_USE, TOO_MANY_STREAMS, CONNECTION_CLOSED */
  open(streamId: string, options: StreamSendOptions): void {
    this.#assertAlive()
    if (this.#outgoing.has(streamId)) throw new RpcError('STREAM_ID_IN_USE')
    if (this.#outgoing.size >= this.#options.maxStreams) throw new RpcError('TOO_MANY_STREAMS')
    const outgoing = new Outgoing(streamId, options)
    if (this.#other !== null) outgoing.begin(this.#other.window)
    this.#outgoing.set(streamId, outgoing)
    this.#events.push({ type: 'wanted', streamId })
  }

  #assertAlive(): void {
    if (this.#state === 'closed') throw new RpcError('CONNECTION_CLOSED', undefined, { phase: 'closing' })
  }

  isSending(streamId: string): boolean {
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

  /** No item comes any more: because it is over, or it failed, of which the other side is `told`. What waits is sent first. */
  end(streamId: string, error: RpcError | null, told: WireError | null = null): void {
    this.#close(streamId, error, false, told)
  }

  /** What waits is not sent any more. */
  abort(streamId: string, error: RpcError): void {
    this.#close(streamId, error, true)
  }

  #close(streamId: string, error: RpcError | null, drop: boolean, told: WireError | null = null): void {
    const outgoing = this.#outgoing.get(streamId)
    if (outgoing === undefined || outgoing.state === 'closed' || (outgoing.state === 'closing' && !drop)) return
    outgoing.close(error, drop, told)
    this.#schedule.add(outgoing)
  }

  /** The next message for the socket; `writable`: it has room for more than control messages. */
  next(writable: boolean, now: number): Sendable | null {
    if (this.#state !== 'open') return null
    const control = this.#controls.shift() ?? this.#takePong() ?? this.#nextCredit()
    if (control !== null) return { data: control, deflatable: false }
    if (this.#extended === null) return null
    if (!writable) return null
    const request = this.#requests.next()
    if (request !== undefined) return { data: request, deflatable: this.#deflatable(request) }
    for (;;) {
      const outgoing = this.#schedule.next(now)
      if (outgoing === null) return null
      const message = this.#nextOf(outgoing, now)
      if (message !== null) return message
    }
  }

  #takePong(): string | null {
    const pong = this.#pong
    this.#pong = null
    return pong
  }

  #nextCredit(): string | null {
    // Before hello it would be the first word; and a plain peer knows none.
    if (this.#extended !== true) return null
    for (const id of this.#creditFor) {
      this.#creditFor.delete(id)
      const incoming = this.#incoming.get(id)
      if (incoming === undefined || !incoming.creditDue) continue
      const credit = { type: 'StreamCredit', streamId: id, received: incoming.received, limit: incoming.grant() }
      return JSON.stringify(credit)
    }
    return null
  }

  #nextOf(outgoing: Outgoing, now: number): Sendable | null {
    const extended = this.#extended === true
    if (!extended && outgoing.nextIsBytes) outgoing.close(new RpcError('BINARY_UNSUPPORTED'), true)
    const before = outgoing.wants
    const composed = outgoing.next(extended, now)
    if (composed === null) return this.#terminal(outgoing, extended)
    const size = sizeOf(composed.data)
    if (size > (this.#other?.maxMessageBytes ?? this.#options.maxMessageBytes)) {
      const text = `An item makes a message of ${size} bytes, more than the other side takes`
      outgoing.close(new RpcError('TOO_LARGE', text), true)
      this.#schedule.add(outgoing)
      return null
    }
    if (extended && this.#options.resumable) outgoing.keep(composed)
    this.#schedule.add(outgoing)
    if (!before && outgoing.wants) this.#events.push({ type: 'wanted', streamId: outgoing.id })
    return { data: composed.data, deflatable: outgoing.compress && this.#deflatable(composed.data) }
  }

  #terminal(outgoing: Outgoing, extended: boolean): Sendable {
    outgoing.state = 'closed'
    const error = outgoing.error === null ? null : (outgoing.told ?? wireError(outgoing.error))
    // A plain peer confirms nothing.
    if (!extended) this.#endOutgoing(outgoing, outgoing.error)
    return { data: endText(outgoing.id, error, extended ? outgoing.count : undefined), deflatable: false }
  }

  #deflatable(data: string | Uint8Array): boolean {
    return this.#options.deflate && this.#other?.deflate === true && data.length >= DEFLATE_FROM
  }

  // What this side receives

  /** @throws {RpcError} STREAM_ID_IN_USE, CONNECTION_CLOSED */
  claim(streamId: string, window: number): void {
    this.#assertAlive()
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
    this.#events.push({ type: 'readable', streamId })
  }

  #creditIfDue(incoming: Incoming): void {
    // What is claimed before its first item came begins with more, too: the sender has the id by then.
    if (this.#extended !== false && incoming.creditDue) this.#creditFor.add(incoming.id)
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

  // Requests

  /** @throws {RpcError} TOO_MANY_REQUESTS, CONNECTION_CLOSED, BAD_PAYLOAD */
  request(requestId: string, data: string, deadline: number): void {
    this.#assertAlive()
    if (this.#requests.size >= this.#options.maxRequests) throw new RpcError('TOO_MANY_REQUESTS')
    this.#requests.ask(requestId, data, deadline)
  }

  /** A message that nobody answers. */
  notify(requestId: string, data: string): void {
    this.#assertAlive()
    this.#requests.notify(requestId, data)
  }

  /** Nobody waits for the answer any more. */
  cancelRequest(requestId: string): void {
    if (this.#requests.answered(requestId)) this.#tellCancelled(requestId)
  }

  #tellCancelled(requestId: string): void {
    if (this.#extended === true && this.#state === 'open') {
      this.#control(JSON.stringify({ category: 'cancel', requestId }))
    }
  }

  #onRequest(requestId: string, data: unknown, notify: boolean): void {
    if (!notify) {
      const refused = this.#requests.serve(requestId, this.#options.maxRequests)
      if (refused === 'again') return this.#onBad('A request has the id of one that is not answered yet', undefined)
      if (refused === 'unread') return this.#closeSocket(1008, 'too many answers unread')
      if (refused === 'many') return this.#answer(requestId, null, new RpcError('TOO_MANY_REQUESTS'))
    }
    this.#events.push({ type: 'request', requestId, data, notify })
  }

  /** Answers a request with JSON, or with an error. */
  respond(requestId: string, data: string | null, error: WireError | null): void {
    if (this.#requests.served(requestId)) this.#answer(requestId, data, error)
  }

  /** Answers nothing: a peer that knows no better waits until its patience is over. */
  ignore(requestId: string): void {
    if (!this.#requests.served(requestId)) return
    if (this.#extended === true) this.#answer(requestId, null, new RpcError('NO_ANSWER'))
  }

  #answer(requestId: string, data: string | null, error: RpcError | WireError | null): void {
    if (error === null) this.#requests.respond(requestId, data ?? 'null')
    else if (this.#extended === true)
      this.#requests.fail({ category: 'response', requestId, error: wireError(error, true) })
    else this.#requests.fail({ category: 'error', error: error.message, details: { requestId } })
  }
}
