import type { RpcError } from './errors'
import type { Hello } from './messages'

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

/** Answers to a side that asks and does not read. */
const MAX_CONTROLS = 20_000

/** What the parts of a core share: whom one speaks to, what is to be said of the protocol itself, and what has happened. */
export class Link {
  state: 'idle' | 'open' | 'detached' | 'closed' = 'idle'
  /** Null until it is known whom one speaks to. */
  extended: boolean | null = null
  /** What it said of itself, if it is one of ours. */
  other: Hello | null = null
  #controls: string[] = []
  #pong: string | null = null
  #events: CoreEvent[] = []

  tell(event: CoreEvent): void {
    this.#events.push(event)
  }

  get hasEvents(): boolean {
    return this.#events.length > 0
  }

  events(): CoreEvent[] {
    const events = this.#events
    this.#events = []
    return events
  }

  /** A message that waits for no credit, and goes before all others. */
  control(text: string): void {
    this.#controls.push(text)
    if (this.#controls.length === MAX_CONTROLS + 1) this.closeSocket(1008, 'too many messages unread')
  }

  /** An answer to a ping: of several that wait, the newest. */
  pong(text: string): void {
    this.#pong = text
  }

  /** The first of them, and behind them the pong. */
  nextControl(): string | null {
    const control = this.#controls.shift()
    if (control !== undefined) return control
    const pong = this.#pong
    this.#pong = null
    return pong
  }

  /** They were for a connection that is gone. */
  dropControls(): void {
    this.#controls = []
    this.#pong = null
  }

  closeSocket(code: number, reason: string): void {
    this.tell({ type: 'close', code, reason })
  }
}
