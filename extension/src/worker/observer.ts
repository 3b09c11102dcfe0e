import type { ErrorCode, Phase } from '../protocol/errors'
import type { AbortReason, Page, StreamEnd, StreamHeaders, StreamStart } from '../protocol/native'
import type { StreamCommand, StreamReport } from './translate'

/** A stream as those see it who only look on. One object for all its events, so it may be the key of a map. */
export interface ObservedStream {
  /** The worker's own, which none had before it. */
  readonly id: number
  /** Who asked. */
  readonly page: Readonly<Page>
  readonly method: string
  /** Where the request goes; from the headers on, where the bytes come from. */
  readonly url: string
  /** It reads a request that outlives its page. */
  readonly durable: boolean
  /** On the clock of `performance.now()`, milliseconds. */
  readonly startedAt: number
  /** How many bytes ahead of those that the page consumed the host may send, as it said last; not before it has. */
  readonly window?: number
  /** False once the head of its response said so, also where its page had given it up: it may be in no recording. */
  readonly recordable?: boolean
  /** Which grant of the policy allowed it, as the host said with the head or the error: of a host that says so. */
  readonly grant?: string
}

/** How a stream ended for its page. */
export type StreamEnding =
  /** The body was whole. */
  | ({ readonly how: 'end' } & Readonly<Pick<StreamEnd, 'bytes' | 'completeness' | 'timings'>>)
  | {
      readonly how: 'error'
      /** Whose error it is: what the host sent, or what the extension found. */
      readonly by: 'host' | 'extension'
      readonly code: ErrorCode
      readonly message: string
      readonly phase: Phase
      readonly retryable: boolean
    }
  /** The page gave it up, or is gone; null if the host aborted what nobody asked it to. */
  | { readonly how: 'abort'; readonly reason: AbortReason | null }

/** What passes beside head, body and end of a response. */
export type BesideType =
  | StreamCommand['type']
  | Extract<StreamReport, { type: 'STREAM_BODY_ACK' | 'STREAM_BODY_AGAIN' }>['type']

/**
 * What happens to streams, in this order for each: `opened`, then the others as they come, `ended` as the last and once.
 *
 * Everything is told while it happens: what takes long holds up the bytes. Objects are the protocol's own, on their way to
 * somebody else: to read, and not to keep beyond the call, except for `stream` and `ending`. No event carries bytes of a
 * response's body: who wants them asks for those of one stream by `Observer.tap`.
 */
export interface StreamEvents {
  /** A request is about to be handed to the host, as `start`. One that is refused before is no stream. */
  opened(stream: ObservedStream, start: Readonly<StreamStart>): void
  /** The response's head went to the page. */
  headers(stream: ObservedStream, head: Readonly<StreamHeaders>): void
  /** `size` bytes of the response's body went to the page, contiguous from `offset`. */
  chunk(stream: ObservedStream, offset: number, size: number): void
  /**
   * Another message about it passes, to the host or from it. `offset` is the one up to which it speaks of bytes: sent
   * (STREAM_BODY, STREAM_BODY_END) or consumed (STREAM_ACK, STREAM_BODY_ACK); 0 if it speaks of none. With STREAM_ABORT
   * the host has been asked to release it.
   */
  message(stream: ObservedStream, type: BesideType, offset: number): void
  /** The host has released socket, task and slot, or is gone itself. */
  ended(stream: ObservedStream, ending: StreamEnding): void
}

export type StreamListener = Partial<StreamEvents>

/** Some of a body, as it passed. */
export interface Piece {
  /** `down`: of the response. `up`: of the request, beside what came with its start. */
  readonly way: 'down' | 'up'
  /** When it was here, on the clock of `performance.now()`, milliseconds. */
  readonly at: number
  /** The tap's own, to keep. */
  readonly data: Uint8Array<ArrayBuffer>
  /** `data` is compressed by itself. */
  readonly encoding?: 'gzip' | 'deflate'
  /** In plain bytes. */
  readonly size: number
}

/** Gets a stream's bytes, also those that come after its page gave it up, until `ended`. */
export type Tap = (stream: ObservedStream, piece: Piece) => void

/** Whether a tap wants what comes next: what nobody wants is not copied. */
export type Wants = () => boolean

/** Tells whoever listens. One that throws is no business of streams, nor of the other listeners. */
export class Observer implements StreamEvents {
  /** Replaced, not changed: a listener may come or go while they are told. */
  #listeners: readonly StreamListener[] = []
  readonly #taps = new Map<ObservedStream, Map<Tap, Wants>>()

  /** @returns its undo */
  listen(listener: StreamListener): () => void {
    this.#listeners = [...this.#listeners, listener]
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener)
    }
  }

  /**
   * Have the bytes of a stream, from now on; in its `opened`, all of them. Streams that nobody taps cost one look into an
   * empty table for each message.
   *
   * @param wants asked before each piece; what another tap wants comes all the same
   * @returns its undo
   */
  tap(stream: ObservedStream, tap: Tap, wants: Wants = () => true): () => void {
    const taps = this.#taps.get(stream) ?? new Map<Tap, Wants>()
    this.#taps.set(stream, taps.set(tap, wants))
    return () => {
      taps.delete(tap)
      if (taps.size === 0) this.#taps.delete(stream)
    }
  }

  tapped(stream: ObservedStream): boolean {
    if (this.#taps.size === 0) return false
    for (const wants of this.#taps.get(stream)?.values() ?? []) if (wants()) return true
    return false
  }

  /** Give it to whoever taps the stream. */
  piece(stream: ObservedStream, piece: Piece): void {
    for (const tap of this.#taps.get(stream)?.keys() ?? []) {
      try {
        tap(stream, piece)
      } catch (error) {
        complain(error)
      }
    }
  }

  opened(stream: ObservedStream, start: Readonly<StreamStart>): void {
    this.#tell((listener) => listener.opened?.(stream, start))
  }

  headers(stream: ObservedStream, head: Readonly<StreamHeaders>): void {
    this.#tell((listener) => listener.headers?.(stream, head))
  }

  // Without a closure: this is the path of every chunk.
  chunk(stream: ObservedStream, offset: number, size: number): void {
    for (const listener of this.#listeners) {
      try {
        listener.chunk?.(stream, offset, size)
      } catch (error) {
        complain(error)
      }
    }
  }

  message(stream: ObservedStream, type: BesideType, offset: number): void {
    this.#tell((listener) => listener.message?.(stream, type, offset))
  }

  ended(stream: ObservedStream, ending: StreamEnding): void {
    this.#tell((listener) => listener.ended?.(stream, ending))
    this.#taps.delete(stream)
  }

  #tell(event: (listener: StreamListener) => void): void {
    for (const listener of this.#listeners) {
      try {
        event(listener)
      } catch (error) {
        complain(error)
      }
    }
  }
}

function complain(error: unknown): void {
  console.warn('Longwire: somebody who looks on at the streams failed', error)
}
