import { later, type Timer } from '../client/waiting'
import { Asking, type RequestOptions } from './asking'
import { Core } from './core'
import { deflated, inflated, isDeflated } from './deflate'
import { RpcError, wireError } from './errors'
import { type Context, type Handler, Handlers } from './handlers'
import { sending } from './iterating'
import type { CoreEvent } from './link'
import type { Hello } from './messages'
import { checkSendOptions, coreOptions, type PeerOptions, type PeerSettings, peerSettings, randomId } from './options'
import type { StreamSendOptions } from './outgoing'
import { deferred, jsonOf } from './payload'
import { Readers } from './readers'
import { Socket, type SocketLike } from './socket'

export type { RequestOptions }

/** What a handler is given beside the data. */
export type RequestContext = Context<Peer>

/** Answers a request; undefined: not this one. */
export type RequestHandler = Handler<Peer>

export interface ReceiveOptions {
  /** Credit of the stream, bytes, 256 KiB by default: so much may wait here. */
  window?: number
}

/** How the last connection ended. */
export interface PeerClosed {
  readonly code: number
  readonly reason: string
}

/** The promise of a stream that is sent: its id once all has come, an RpcError if it has not. */
export interface SentStream extends Promise<string> {
  readonly id: string
}

const WINDOW = 256 * 1024

/**
 * One side of a socket: streams and requests in both directions. Made by `connect` and `accept`.
 *
 * Both sides are alike. Streams that this one sends and those that it receives have ids of their own.
 */
export class Peer {
  readonly #settings: PeerSettings
  readonly #core: Core
  readonly #handlers: Handlers<Peer>
  readonly #readers: Readers
  readonly #asking: Asking
  readonly #senders = new Map<string, { wanted: () => void; sent: (error: RpcError | null) => void }>()
  #socket: Socket | null = null
  #timer: Timer | undefined
  #pumping = false
  #deflating = false
  /** Messages of which one that came before is still being inflated. */
  #inbox: (string | Uint8Array)[] = []
  #skip = 0
  #skipped = 0
  #closing = false
  readonly #ready = deferred<void>()
  readonly #done = deferred<PeerClosed>()
  /** @internal What happens to the connection itself. */
  onConnection: (event: CoreEvent & { type: 'ready' | 'resume-asked' | 'detached' | 'expired' }) => void = () =>
    undefined
  /** @internal Whether another socket will come. */
  onClosed: (code: number, reason: string) => boolean = () => false

  /** @internal */
  constructor(options: PeerOptions, role: 'connect' | 'accept', resumable: boolean) {
    this.#settings = peerSettings(options)
    this.#core = new Core(coreOptions(this.#settings, role, resumable))
    this.#handlers = new Handlers<Peer>(
      this,
      (requestId, data, error) => {
        if (data === undefined && error === null) this.#core.ignore(requestId)
        else
          this.#core.respond(
            requestId,
            data ?? null,
            error === null ? null : wireError(error, this.#settings.exposeErrors)
          )
        this.#pump()
      },
      () => this.#core.handled()
    )
    this.#asking = new Asking(this.#core, () => this.#pump())
    this.#readers = new Readers(this.#core, () => this.#pump())
    // Who does not ask is not told.
    this.#ready.promise.catch(() => undefined)
  }

  /** Once it is known whom one speaks to; rejects with an RpcError if no connection could be made. */
  get opened(): Promise<void> {
    return this.#ready.promise
  }

  /** Once there is no connection, and none will be made. */
  get closed(): Promise<PeerClosed> {
    return this.#done.promise
  }

  /** Whether the other side knows credit, cancelling, bytes and the rest; null as long as nobody knows. */
  get extended(): boolean | null {
    return this.#core.extended
  }

  /** How much of everything there is at the moment. */
  get counts(): { outgoing: number; incoming: number; requests: number; unclaimedBytes: number; closedIds: number } {
    return this.#core.counts
  }

  /** @internal Both sides keep their streams when the connection is lost. */
  get keeps(): boolean {
    return this.#core.keeps
  }

  /** @internal */
  get tokens(): { own: string; other: string | null } {
    return { own: this.#core.token, other: this.#core.otherToken }
  }

  // Streams

  /**
   * Sends the items of an iterable: JSON values, or bytes (to a peer that knows them). One is asked for when the last one is
   * on its way.
   *
   * @throws {TypeError} what is none
   * @throws {RpcError} STREAM_ID_IN_USE, TOO_MANY_STREAMS, ITERATOR_USED, CONNECTION_CLOSED
   */
  sendStream(
    iterable: AsyncIterable<unknown> | Iterable<unknown>,
    streamId: string = randomId(),
    options: StreamSendOptions = {}
  ): SentStream {
    checkId(streamId)
    checkSendOptions(options)
    if (this.#core.isSending(streamId)) throw new RpcError('STREAM_ID_IN_USE')
    const sender = sending(iterable, streamId, this.#core, this.#settings.exposeErrors, () => this.#pump())
    this.#core.open(streamId, options)
    this.#senders.set(streamId, sender)
    this.#pump()
    // Whoever does not wait for it is not told, and no process ends of it.
    sender.done.catch(() => undefined)
    return Object.assign(sender.done, { id: streamId })
  }

  /** Ends a stream that is sent: its iterator's `return` is called, the reader gets an error, ABORTED. */
  abortStream(streamId: string): void {
    this.#core.abort(streamId, new RpcError('ABORTED'))
    this.#senders.get(streamId)?.sent(new RpcError('ABORTED'))
    this.#pump()
  }

  /**
   * A stream that the other side sends, under an id that one of both made up. Nothing is asked for that is not read; to
   * `cancel` it, or to leave a loop over it, ends the sender's iterator.
   *
   * @throws {RpcError} STREAM_ID_IN_USE, TOO_MANY_STREAMS, CONNECTION_CLOSED
   */
  receiveStream<T = unknown>(
    streamId: string = randomId(),
    { window = WINDOW }: ReceiveOptions = {}
  ): [string, ReadableStream<T>] {
    checkId(streamId)
    if (!(Number.isInteger(window) && window > 0)) throw new TypeError('`window` is a number of bytes above 0')
    const stream = this.#readers.open<T>(streamId, window)
    this.#pump()
    return [streamId, stream]
  }

  /** Ends a stream that is received, and the sender's iterator: what was not read is dropped, the reader is done. */
  closeReceivingStream(streamId: string): void {
    this.#readers.close(streamId)
    this.#pump()
  }

  // Requests

  /**
   * Asks, and gives what a handler of the other side answers.
   *
   * Rejects with an RpcError, or with the signal's reason.
   */
  request<T = unknown>(data: unknown, options: RequestOptions = {}): Promise<T> {
    return this.#asking.request(data, options) as Promise<T>
  }

  /**
   * Has `handler` answer requests. Where several are there, the first that gives something else than undefined answers.
   *
   * @returns its undo
   */
  match(handler: RequestHandler): () => void {
    return this.#handlers.add(handler)
  }

  /** Tells the other side something that it does not answer. */
  send(data: unknown): void {
    this.#core.notify(randomId(), jsonOf(data))
    this.#pump()
  }

  /** Closes the connection, and makes no other one. */
  close(code = 1000, reason = ''): void {
    if (code !== 1000 && !(code >= 3000 && code < 5000)) throw new TypeError('the code is 1000, or 3000 to 4999')
    if (new TextEncoder().encode(reason).length > 123) throw new TypeError('the reason is longer than 123 bytes')
    if (this.#closing) return
    this.#closing = true
    this.#socket?.close(code, reason)
    this.#socket?.abandon()
    this.lost(code, reason, true)
  }

  // The connection, as connect and accept see it

  /** @internal The peer has a socket, which is open. */
  attach(socket: SocketLike, hello?: Hello): void {
    this.#socket = this.#wrapped(socket)
    if (hello === undefined) this.#core.opened(performance.now())
    else this.#core.resume(hello, performance.now())
    this.#pump()
  }

  #wrapped(socket: SocketLike): Socket {
    const { maxBufferedAmount, backpressureDelay } = this.#settings
    return new Socket(socket, maxBufferedAmount, backpressureDelay, {
      message: (data) => this.#take(data),
      closed: (code, reason) => this.lost(code, reason, this.#closing || !this.onClosed(code, reason)),
      drained: () => this.#pump()
    })
  }

  /** @internal The socket that it has goes to another peer. */
  release(): void {
    this.#socket?.abandon()
    this.#socket = null
    this.#closing = true
    this.lost(1000, '', true)
  }

  /** @internal */
  refuseResume(): void {
    this.#core.refuseResume(performance.now())
    this.#pump()
  }

  /** @internal The socket is gone, or none could be had, for this `cause` where the socket knows it. */
  lost(code: number, reason: string, final: boolean, cause?: unknown): void {
    this.#socket?.abandon()
    this.#socket = null
    this.#inbox = []
    this.#core.closed(code, reason, final, performance.now())
    this.#pump()
    if (!final) return
    clearTimeout(this.#timer)
    const closed = { phase: 'connecting', closeCode: code, closeReason: reason } as const
    const details = cause === undefined ? closed : { ...closed, cause }
    this.#ready.reject(new RpcError('CONNECTION_FAILED', undefined, details))
    this.#done.resolve({ code, reason })
  }

  #take(data: string | Uint8Array): void {
    if (this.#inbox.length > 0 || isDeflated(data)) {
      this.#inbox.push(data)
      if (this.#inbox.length === 1) void this.#inflate()
    } else {
      this.#core.receive(data, performance.now())
      this.#pump()
    }
  }

  async #inflate(): Promise<void> {
    const inbox = this.#inbox
    for (let data = inbox[0]; data !== undefined; data = inbox[0]) {
      const result = isDeflated(data) ? await inflated(data, this.#settings.maxMessageBytes) : { data }
      // Another connection has another one.
      if (this.#inbox !== inbox) return
      inbox.shift()
      if ('fault' in result) this.#drop(result.code, result.fault)
      else this.#core.receive(result.data, performance.now())
      this.#pump()
    }
  }

  /** The other side broke the protocol: there is nothing to be said to it any more. */
  #drop(code: number, reason: string): void {
    this.#settings.onWarning(new RpcError('BAD_MESSAGE', `The connection was closed: ${reason}`))
    this.#socket?.close(code, reason)
    this.lost(code, reason, this.#closing || !this.onClosed(code, reason))
  }

  #pump(): void {
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (this.#step());
    } finally {
      this.#pumping = false
    }
    this.#wind()
  }

  /** @returns whether there may be more to do */
  #step(): boolean {
    const events = this.#core.events()
    for (const event of events) this.#on(event)
    if (events.length > 0) return true
    if (this.#socket === null || this.#deflating) return false
    const message = this.#core.next(this.#socket.writable, performance.now())
    // What it could not send may have ended.
    if (message === null) return this.#core.hasEvents
    if (message.deflatable && this.#skipped >= this.#skip) {
      void this.#deflate(message.data, this.#socket)
      return false
    }
    if (message.deflatable) this.#skipped++
    this.#socket.send(message.data)
    return true
  }

  async #deflate(data: string | Uint8Array, socket: Socket): Promise<void> {
    this.#deflating = true
    const smaller = await deflated(data)
    this.#deflating = false
    // What does not become smaller is tried ever more rarely.
    this.#skip = smaller === null ? Math.min(64, this.#skip * 2 + 1) : 0
    this.#skipped = 0
    if (this.#socket === socket) socket.send(smaller ?? data)
    this.#pump()
  }

  #wind(): void {
    clearTimeout(this.#timer)
    const now = performance.now()
    const at = this.#core.deadline(now)
    if (at === Infinity) return
    this.#timer = later(
      () => {
        this.#core.tick(performance.now())
        this.#pump()
      },
      Math.max(0, Math.ceil(at - now))
    )
  }

  #on(event: CoreEvent): void {
    switch (event.type) {
      case 'wanted':
        return this.#senders.get(event.streamId)?.wanted()
      case 'sent': {
        const sender = this.#senders.get(event.streamId)
        this.#senders.delete(event.streamId)
        return sender?.sent(event.error)
      }
      case 'readable':
        return this.#readers.readable(event.streamId)
      case 'request':
        return this.#handlers.take(event.requestId, event.data, event.notify)
      case 'request-cancelled':
        return this.#handlers.cancel(event.requestId)
      case 'response':
        return this.#asking.answered(event.requestId, event.data, event.error)
      case 'violation':
        return this.#settings.onWarning(event.error)
      case 'unclaimed':
        return this.#settings.onWarning(new RpcError('UNCLAIMED'), event.streamId)
      case 'close':
        return this.#drop(event.code, event.reason)
      case 'ready':
        this.#ready.resolve()
        return this.onConnection(event)
      case 'resume-asked':
      case 'detached':
      case 'expired':
        return this.onConnection(event)
    }
  }
}

function checkId(streamId: string): void {
  if (typeof streamId !== 'string' || streamId === '' || streamId.length > 256) {
    throw new TypeError('a streamId is a text of 1 to 256 characters')
  }
}
