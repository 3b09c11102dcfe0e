import { Connection } from './connection'
import { RpcError, type WireError } from './errors'
import type { Taken } from './incoming'
import { type CoreEvent, type CoreOptions, Link } from './link'
import { type Hello, type Message, readMessage, sizeOf } from './messages'
import type { Item, StreamSendOptions } from './outgoing'
import { Receiving } from './receiving'
import { Requests } from './requests'
import { type Sendable, Sending } from './sending'

/**
 * One side of the protocol: messages in, events and messages out; no socket, no timer, no promise. `now` is milliseconds of
 * any clock that never goes back.
 */
export class Core {
  readonly #options: CoreOptions
  readonly #link = new Link()
  readonly #sending: Sending
  readonly #receiving: Receiving
  readonly #requests: Requests
  readonly #connection: Connection

  constructor(options: CoreOptions) {
    this.#options = options
    this.#sending = new Sending(options, this.#link)
    this.#receiving = new Receiving(options, this.#link)
    this.#requests = new Requests(options.maxRequests, this.#link)
    this.#connection = new Connection(options, this.#link, this.#sending, this.#receiving, this.#requests)
  }

  get extended(): boolean | null {
    return this.#link.extended
  }

  get state(): 'idle' | 'open' | 'detached' | 'closed' {
    return this.#link.state
  }

  get token(): string {
    return this.#options.token
  }

  /** Streams wait for another connection when this one is lost. */
  get keeps(): boolean {
    return this.#connection.keeps
  }

  /** The other side's token; null as long as none is known. */
  get otherToken(): string | null {
    return this.#connection.otherToken
  }

  /** How much there is of everything. */
  get counts(): { outgoing: number; incoming: number; requests: number; unclaimedBytes: number; closedIds: number } {
    return {
      outgoing: this.#sending.size,
      requests: this.#requests.size,
      ...this.#receiving.counts
    }
  }

  /** What happened since the last call. */
  events(): CoreEvent[] {
    return this.#link.events()
  }

  get hasEvents(): boolean {
    return this.#link.hasEvents
  }

  // The connection

  /** There is a socket, the first one or the next. */
  opened(now: number): void {
    this.#connection.opened(now)
  }

  /** A message came, inflated. */
  receive(data: string | Uint8Array, now: number): void {
    if (this.#link.state !== 'open') return
    const size = sizeOf(data)
    if (size > this.#options.maxMessageBytes) return this.#link.closeSocket(1009, 'message too large')
    const message = readMessage(data)
    if (message.type === 'hello') return this.#connection.onHello(message.hello, now)
    // Both kinds ping.
    if (this.#link.extended === null && message.type !== 'ping') this.#connection.decide(false)
    this.#onMessage(message, size, now)
  }

  /** The answer to `resume-asked`: this side begins anew, and the other one's streams end. */
  refuseResume(now: number): void {
    this.#connection.refuseResume(now)
  }

  /** This side kept its streams: they go on over the socket on which another one was asked for them. */
  resume(hello: Hello, now: number): void {
    this.#connection.resume(hello, now)
  }

  /** The socket is gone. `final`: no other one will come. */
  closed(code: number, reason: string, final: boolean, now: number): void {
    this.#connection.closed(code, reason, final, now)
  }

  // Clocks

  /** When `tick` is to be called, milliseconds; Infinity: never. */
  deadline(now: number): number {
    const at = Math.min(this.#connection.deadline, this.#requests.deadline, this.#receiving.deadline)
    return this.#link.extended === null || this.#link.state !== 'open' ? at : Math.min(at, this.#sending.deadline(now))
  }

  tick(now: number): void {
    this.#connection.tick(now)
    for (const id of this.#requests.expired(now)) {
      this.#link.tell({ type: 'response', requestId: id, data: null, error: new RpcError('REQUEST_TIMEOUT') })
      this.#tellCancelled(id)
    }
    this.#receiving.tick(now)
  }

  // Messages

  #onMessage(message: Message, size: number, now: number): void {
    switch (message.type) {
      case 'data':
        return this.#receiving.onData(message.streamId, message.items, message.index, size, now)
      case 'end':
        return this.#receiving.onEnd(message.streamId, message.count, message.error, now)
      case 'ping':
        return this.#link.pong(JSON.stringify({ category: 'pong', timestamp: message.timestamp }))
      case 'request':
        return this.#requests.onRequest(message.requestId, message.data, message.notify)
      case 'response':
        if (this.#requests.answered(message.requestId)) this.#link.tell(message)
        return
      case 'error':
        if (message.requestId !== undefined && this.#requests.answered(message.requestId)) {
          const { requestId, error } = message
          this.#link.tell({ type: 'response', requestId, data: null, error })
        } else this.#link.tell({ type: 'violation', error: message.error })
        return
      case 'bad':
        return this.#receiving.onBad(message.text, message.streamId)
    }
    if (this.#link.extended !== true) return
    switch (message.type) {
      case 'cancel':
        if (this.#requests.served(message.requestId)) {
          this.#link.tell({ type: 'request-cancelled', requestId: message.requestId })
        }
        return
      case 'credit':
      case 'stream-cancel':
      case 'closed':
        return this.#sending.onWord(message)
    }
  }

  // What this side sends

  /** @throws {RpcError} STREAM_ID_IN_USE, TOO_MANY_STREAMS, CONNECTION_CLOSED */
  open(streamId: string, options: StreamSendOptions): void {
    this.#assertAlive()
    this.#sending.open(streamId, options)
  }

  #assertAlive(): void {
    if (this.#link.state === 'closed') throw new RpcError('CONNECTION_CLOSED', undefined, { phase: 'closing' })
  }

  isSending(streamId: string): boolean {
    return this.#sending.has(streamId)
  }

  /** Whether an item of the stream should be asked for. */
  wants(streamId: string): boolean {
    return this.#sending.wants(streamId)
  }

  push(streamId: string, item: Item, now: number): void {
    this.#sending.push(streamId, item, now)
  }

  /** No item comes any more: because it is over, or it failed, of which the other side is `told`. What waits is sent first. */
  end(streamId: string, error: RpcError | null, told: WireError | null = null): void {
    this.#sending.close(streamId, error, false, told)
  }

  /** What waits is not sent any more. */
  abort(streamId: string, error: RpcError): void {
    this.#sending.close(streamId, error, true)
  }

  /** The next message for the socket; `writable`: it has room for more than control messages. */
  next(writable: boolean, now: number): Sendable | null {
    if (this.#link.state !== 'open') return null
    const control = this.#link.nextControl() ?? this.#receiving.nextCredit()
    if (control !== null) return { data: control, deflatable: false }
    if (this.#link.extended === null) return null
    if (!writable) return null
    const request = this.#requests.next()
    if (request !== undefined) return { data: request, deflatable: this.#sending.deflatable(request) }
    return this.#sending.next(now)
  }

  // What this side receives

  /** @throws {RpcError} STREAM_ID_IN_USE, TOO_MANY_STREAMS, CONNECTION_CLOSED */
  claim(streamId: string, window: number): void {
    this.#assertAlive()
    this.#receiving.claim(streamId, window)
  }

  /** The next item of a stream that was claimed, its end, or undefined as long as there is neither. */
  take(streamId: string): Taken | undefined {
    return this.#receiving.take(streamId)
  }

  /** The reader wants no more. */
  cancel(streamId: string): void {
    this.#receiving.cancel(streamId)
  }

  // Requests

  /** @throws {RpcError} TOO_MANY_REQUESTS, CONNECTION_CLOSED, BAD_PAYLOAD */
  request(requestId: string, data: string, deadline: number): void {
    this.#assertAlive()
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
    if (this.#link.extended === true && this.#link.state === 'open') {
      this.#link.control(JSON.stringify({ category: 'cancel', requestId }))
    }
  }

  /** Answers a request with JSON, or with an error. */
  respond(requestId: string, data: string | null, error: WireError | null): void {
    this.#requests.respond(requestId, data, error)
  }

  /** A handler is done with what nobody answers. */
  handled(): void {
    this.#requests.handled()
  }

  /** Answers nothing: a peer that knows no better waits until its patience is over. */
  ignore(requestId: string): void {
    this.#requests.ignore(requestId)
  }
}
