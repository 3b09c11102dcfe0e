import { RpcError, type RpcPhase, type WireError } from './errors'
import type { Taken } from './incoming'
import { type CoreEvent, Link } from './link'
import { type Hello, helloText, type Message, readMessage, sizeOf, VERSION } from './messages'
import type { Item, StreamSendOptions } from './outgoing'
import { Receiving } from './receiving'
import { Requests } from './requests'
import { type Sendable, Sending } from './sending'

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

/**
 * One side of the protocol: messages in, events and messages out; no socket, no timer, no promise. `now` is milliseconds of
 * any clock that never goes back.
 */
export class Core {
  readonly #options: CoreOptions
  readonly #link = new Link()
  readonly #sending: Sending
  readonly #receiving: Receiving
  /** The token of the side before a connection was lost. */
  #resuming: string | null = null
  #helloBy = Infinity
  #detachedUntil = Infinity
  #pong: string | null = null
  readonly #requests: Requests

  constructor(options: CoreOptions) {
    this.#options = options
    this.#sending = new Sending(options, this.#link)
    this.#receiving = new Receiving(options, this.#link)
    this.#requests = new Requests(options.maxRequests, this.#link)
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
    const kept = this.#link.extended === true ? this.#link.other?.resumable === true : this.#resuming !== null
    return this.#options.resumable && kept
  }

  /** The other side's token; null as long as none is known. */
  get otherToken(): string | null {
    return this.#link.other?.peer ?? this.#resuming
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
    this.#resuming = this.otherToken
    this.#link.state = 'open'
    this.#link.extended = null
    this.#link.other = null
    this.#helloBy = now + this.#options.helloTimeout
    this.#detachedUntil = Infinity
    if (this.#options.role === 'connect') this.#sayHello(now)
    // A peer of any kind answers that, and so shows which one it is; it must not wait for us to speak first.
    else this.#link.control(JSON.stringify({ category: 'ping', timestamp: Math.round(now) }))
  }

  #sayHello(now: number, answer: { resumed?: boolean } = {}): void {
    const { token, window, maxMessageBytes, deflate, resumable } = this.#options
    const resume = this.#options.role === 'connect' ? this.#resuming : null
    const own = { version: VERSION, peer: token, window, maxMessageBytes, deflate, resumable, ...answer }
    const state = { received: this.#receiving.received(), sending: this.#sending.ids }
    const hello = {
      ...own,
      ...(resume !== null && { resume }),
      ...((resume !== null || answer.resumed === true) && state)
    }
    this.#link.control(helloText(hello, Math.round(now)))
  }

  /** A message came, inflated. */
  receive(data: string | Uint8Array, now: number): void {
    if (this.#link.state !== 'open') return
    const size = sizeOf(data)
    if (size > this.#options.maxMessageBytes) return this.#link.closeSocket(1009, 'message too large')
    const message = readMessage(data)
    if (message.type === 'hello') return this.#onHello(message.hello, now)
    // Both kinds ping.
    if (this.#link.extended === null && message.type !== 'ping') this.#decide(false)
    this.#onMessage(message, size, now)
  }

  #onHello(hello: Hello, now: number): void {
    if (this.#link.extended !== null) return this.#link.closeSocket(1002, 'hello came late')
    this.#link.other = hello
    if (this.#options.role === 'accept' && hello.resume !== undefined) {
      this.#link.tell({ type: 'resume-asked', hello })
      return
    }
    if (this.#options.role === 'accept') this.#sayHello(now)
    this.#decide(true)
    if (this.#options.role !== 'connect' || this.#resuming === null) return
    if (hello.resumed === true) this.#resumeStreams(hello)
    else this.#endAll(new RpcError('RESUME_FAILED', undefined, { phase: 'resuming' }))
  }

  /** The answer to `resume-asked`: this side begins anew, and the other one's streams end. */
  refuseResume(now: number): void {
    this.#sayHello(now, { resumed: false })
    this.#decide(true)
  }

  /** This side kept its streams: they go on over the socket on which another one was asked for them. */
  resume(hello: Hello, now: number): void {
    this.opened(now)
    this.#link.dropControls()
    this.#link.other = hello
    this.#sayHello(now, { resumed: true })
    this.#decide(true)
    this.#resumeStreams(hello)
  }

  #resumeStreams(hello: Hello): void {
    this.#receiving.resumed(new Set(hello.sending))
    this.#sending.resumed(hello)
  }

  #decide(extended: boolean): void {
    this.#link.extended = extended
    this.#helloBy = Infinity
    if (!extended) this.#receiving.dropCredit()
    const resuming = this.#resuming !== null
    if (resuming && !extended) this.#endAll(new RpcError('RESUME_FAILED', undefined, { phase: 'resuming' }))
    this.#sending.begin()
    const resumed = resuming && (this.#options.role === 'accept' || this.#link.other?.resumed === true)
    this.#link.tell({ type: 'ready', extended, resumed })
  }

  /** The socket is gone. `final`: no other one will come. */
  closed(code: number, reason: string, final: boolean, now: number): void {
    if (this.#link.state === 'closed') return
    const phase: RpcPhase = final && code === 1000 ? 'closing' : this.#link.extended === null ? 'connecting' : 'open'
    const said = reason === '' ? `code ${code}` : `code ${code}, ${reason}`
    const text = `Connection closed (${said})`
    const error = new RpcError('CONNECTION_CLOSED', text, { phase, closeCode: code, closeReason: reason })
    this.#link.dropControls()
    this.#pong = null
    this.#receiving.dropCredit()
    for (const id of this.#requests.takeAsked()) this.#link.tell({ type: 'response', requestId: id, data: null, error })
    for (const id of this.#requests.takeServed()) this.#link.tell({ type: 'request-cancelled', requestId: id })
    if (!final && this.keeps) {
      if (this.#link.state !== 'detached') this.#detachedUntil = now + this.#options.resumeTimeout
      this.#link.state = 'detached'
      this.#helloBy = Infinity
      this.#link.tell({ type: 'detached' })
      return
    }
    this.#endAll(error)
    // Without a next one that is the end; with one, streams begin anew on it.
    if (final) this.#link.state = 'closed'
    else this.#forget()
  }

  #forget(): void {
    this.#link.state = 'idle'
    this.#link.extended = null
    this.#link.other = null
    this.#resuming = null
    this.#helloBy = Infinity
    this.#detachedUntil = Infinity
  }

  #endAll(error: RpcError): void {
    this.#sending.endAll(error)
    this.#receiving.endAll(error)
  }

  // Clocks

  /** When `tick` is to be called, milliseconds; Infinity: never. */
  deadline(now: number): number {
    const at = Math.min(this.#helloBy, this.#detachedUntil, this.#requests.deadline, this.#receiving.deadline)
    return this.#link.extended === null || this.#link.state !== 'open' ? at : Math.min(at, this.#sending.deadline(now))
  }

  tick(now: number): void {
    if (now >= this.#helloBy) this.#decide(false)
    if (now >= this.#detachedUntil && this.#link.state === 'detached') {
      this.#endAll(
        new RpcError('CONNECTION_CLOSED', 'Connection closed, and not resumed in time', { phase: 'resuming' })
      )
      this.#forget()
      this.#link.tell({ type: 'expired' })
    }
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
        this.#pong = JSON.stringify({ category: 'pong', timestamp: message.timestamp })
        return
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
    const control = this.#link.nextControl() ?? this.#takePong() ?? this.#receiving.nextCredit()
    if (control !== null) return { data: control, deflatable: false }
    if (this.#link.extended === null) return null
    if (!writable) return null
    const request = this.#requests.next()
    if (request !== undefined) return { data: request, deflatable: this.#sending.deflatable(request) }
    return this.#sending.next(now)
  }

  #takePong(): string | null {
    const pong = this.#pong
    this.#pong = null
    return pong
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
