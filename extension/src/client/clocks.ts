import { StreamError } from './errors'

/** Milliseconds; a clock that is not named does not run. */
export interface StallOptions {
  /** Without a byte of the answer. */
  idleTimeout?: number
  /** Without an event that means something: comments, pings and heartbeats do not count. */
  eventTimeout?: number
}

/**
 * The two stall clocks. They run only while the server is waited for: a page that is slow to take what has come stalls
 * nobody.
 */
export class StallClocks {
  readonly #idle: number
  readonly #event: number
  /** Waited since the last meaningful event. */
  #waited = 0
  /** Bytes have come since then. */
  #alive = false

  constructor({ idleTimeout = Infinity, eventTimeout = Infinity }: StallOptions) {
    this.#idle = idleTimeout
    this.#event = eventTimeout
  }

  /** How long the next wait may take. */
  budget(): number {
    return Math.max(0, Math.min(this.#idle, this.#event - this.#waited))
  }

  /** A wait has taken that long. */
  waited(milliseconds: number): void {
    this.#waited += milliseconds
  }

  /** It ended with bytes. */
  heard(): void {
    this.#alive = true
  }

  /** One of them ended an event that means something. */
  meaningful(): void {
    this.#waited = 0
    this.#alive = false
  }

  /** What a wait that used up its budget has failed with. */
  expired(): StreamError {
    if (this.#event - this.#waited < this.#idle) {
      const what = this.#alive ? 'nothing but signs of life' : 'nothing'
      return new StreamError('STALLED_EVENTS', `The server sent ${what} for ${this.#event} ms`)
    }
    return new StreamError('STALLED', `The server sent nothing for ${this.#idle} ms`)
  }
}
