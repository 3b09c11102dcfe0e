import { RpcError, type RpcPhase } from './errors'
import type { CoreOptions, Link } from './link'
import { type Hello, helloText, VERSION } from './messages'
import type { Receiving } from './receiving'
import type { Requests } from './requests'
import type { Sending } from './sending'

/**
 * The connection with the other side, over one socket after the other: hello, loss, and going on where it broke.
 *
 *   idle ──► open ──► detached ──► open       a next socket, and streams go on
 *                └──► idle                    a next socket, and streams begin anew
 *                └──► closed                  none
 *
 * Which kind of peer the other side is shows by its first message; until then nothing but control messages go.
 */
export class Connection {
  readonly #options: CoreOptions
  readonly #link: Link
  readonly #sending: Sending
  readonly #receiving: Receiving
  readonly #requests: Requests
  /** The token of the other side before a connection was lost. */
  #resuming: string | null = null
  #helloBy = Infinity
  #detachedUntil = Infinity

  constructor(options: CoreOptions, link: Link, sending: Sending, receiving: Receiving, requests: Requests) {
    this.#options = options
    this.#link = link
    this.#sending = sending
    this.#receiving = receiving
    this.#requests = requests
  }

  /** The other side's token; null as long as none is known. */
  get otherToken(): string | null {
    return this.#link.other?.peer ?? this.#resuming
  }

  /** Streams wait for another connection when this one is lost. */
  get keeps(): boolean {
    const kept = this.#link.extended === true ? this.#link.other?.resumable === true : this.#resuming !== null
    return this.#options.resumable && kept
  }

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
    // Only these say how much has come and may come: credit that another one granted would never be told.
    const told = resume !== null || answer.resumed === true
    const hello = {
      ...own,
      ...(resume !== null && { resume }),
      ...(told && { received: this.#receiving.received(), sending: this.#sending.ids })
    }
    this.#link.control(helloText(hello, Math.round(now)))
  }

  /** The other side is one of ours, or says so too late. */
  onHello(hello: Hello, now: number): void {
    if (this.#link.extended !== null) return this.#link.closeSocket(1002, 'hello came late')
    this.#link.other = hello
    if (this.#options.role === 'accept' && hello.resume !== undefined) {
      this.#link.tell({ type: 'resume-asked', hello })
      return
    }
    if (this.#options.role === 'accept') this.#sayHello(now)
    this.decide(true)
    if (this.#options.role !== 'connect' || this.#resuming === null) return
    if (hello.resumed === true) this.#resumeStreams(hello)
    else this.#endAll(new RpcError('RESUME_FAILED', undefined, { phase: 'resuming' }))
  }

  /** The answer to `resume-asked`: this side begins anew, and the other one's streams end. */
  refuseResume(now: number): void {
    this.#sayHello(now, { resumed: false })
    this.decide(true)
  }

  /** This side kept its streams: they go on over the socket on which another one was asked for them. */
  resume(hello: Hello, now: number): void {
    this.opened(now)
    this.#link.dropControls()
    this.#link.other = hello
    this.#sayHello(now, { resumed: true })
    this.decide(true)
    this.#resumeStreams(hello)
  }

  #resumeStreams(hello: Hello): void {
    this.#receiving.resumed(new Set(hello.sending))
    this.#sending.resumed(hello)
  }

  /** It is known what the other side is. */
  decide(extended: boolean): void {
    this.#link.extended = extended
    this.#helloBy = Infinity
    const resuming = this.#resuming !== null
    if (resuming && !extended) this.#endAll(new RpcError('RESUME_FAILED', undefined, { phase: 'resuming' }))
    this.#sending.begin()
    const resumed = resuming && (this.#options.role === 'accept' || this.#link.other?.resumed === true)
    // It keeps nothing.
    if (!extended) this.#resuming = null
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

  /** When `tick` is to be called, milliseconds; Infinity: never. */
  get deadline(): number {
    return Math.min(this.#helloBy, this.#detachedUntil)
  }

  /** Who says nothing is a plain peer, and who does not come back is gone. */
  tick(now: number): void {
    if (now >= this.#helloBy) this.decide(false)
    if (now >= this.#detachedUntil && this.#link.state === 'detached') {
      const text = 'Connection closed, and not resumed in time'
      this.#endAll(new RpcError('CONNECTION_CLOSED', text, { phase: 'resuming' }))
      this.#forget()
      this.#link.tell({ type: 'expired' })
    }
  }
}
