import type { DirectOpen, FromPage, ToPage } from '../protocol/bridge'
import { isToPage } from '../protocol/guards'
import { isCarried } from '../shared/carried'
import {
  addListener,
  append,
  closePort,
  eventData,
  eventPort,
  postMessage,
  startPort,
  startTimer,
  stopTimer
} from './builtins'

/** How long a call waits for a relay: that of a reloaded extension is injected within a fraction of it. */
export const PORT_WAIT_MS = 2_000

/** What the channel tells the shim. */
export interface ChannelEvents {
  message(message: Exclude<ToPage, DirectOpen>): void
  /** Another relay's port is here: what was started through the last one is over. Still posts to the last one. */
  replaced(): void
  /** Ask for a relay; answered, if at all, before this returns. */
  announce(): void
}

/** The port to the relay, while there is one. */
export class Channel {
  readonly #events: ChannelEvents
  #port: MessagePort | null = null
  /** Where messages come from once the worker has a port that leads here, and what streams carry goes to. */
  #direct: MessagePort | null = null
  #waiting: ((arrived: boolean) => void)[] = []
  #timer = 0

  constructor(events: ChannelEvents) {
    this.#events = events
  }

  /** A relay hands over its port. */
  attach(port: MessagePort): void {
    const last = this.#port
    if (last !== null) {
      this.#events.replaced()
      closePort(last)
    }
    this.closeDirect()
    this.#port = port
    addListener(port, 'message', (event: MessageEvent) => {
      const message = eventData(event)
      if (port !== this.#port || !isToPage(message)) return
      if (message.type === 'DIRECT_OPEN') this.#openDirect(eventPort(event))
      else this.#events.message(message)
    })
    startPort(port)
    this.#settle(true)
  }

  /** What was started so far is over, and the worker that the direct port leads to may be. */
  closeDirect(): void {
    if (this.#direct !== null) closePort(this.#direct)
    this.#direct = null
  }

  #openDirect(port: MessagePort | undefined): void {
    if (port === undefined) return
    this.closeDirect()
    this.#direct = port
    addListener(port, 'message', (event: MessageEvent) => {
      const message = eventData(event)
      if (port !== this.#direct || !isToPage(message) || message.type === 'DIRECT_OPEN') return
      this.#events.message(message)
    })
    // Not before now, when all that came by the relay has arrived.
    startPort(port)
    this.post({ type: 'DIRECT_TAKEN' })
  }

  /** The relay behind this port, or behind the present one, is dead. The next message needs another one. */
  detach(port: MessagePort | null = this.#port): void {
    if (port === null || port !== this.#port) return
    this.closeDirect()
    closePort(port)
    this.#port = null
  }

  post(message: FromPage): void {
    const port = this.#direct !== null && isCarried(message) ? this.#direct : this.#port
    if (port !== null) postMessage(port, message)
  }

  /**
   * Call back as soon as there is a port: at once, if there is one.
   *
   * @param idle nothing goes on through the port, so a relay that died would not have said so: ask it
   */
  acquire(idle: boolean, then: (arrived: boolean) => void): void {
    if (idle || this.#port === null) this.#events.announce()
    if (this.#port !== null) return then(true)
    append(this.#waiting, then)
    if (this.#waiting.length === 1) this.#timer = startTimer(() => this.#settle(false), PORT_WAIT_MS)
  }

  #settle(arrived: boolean): void {
    stopTimer(this.#timer)
    const waiting = this.#waiting
    this.#waiting = []
    for (let i = 0; i < waiting.length; i++) waiting[i]?.(arrived)
  }
}
