import type { FromPopup, Snapshot } from '../shared/popup'

/** What the link needs of Chromium's runtime port. */
export interface WorkerPort {
  postMessage(message: FromPopup): void
  readonly onMessage: { addListener(listener: (snapshot: Snapshot) => void): void }
  readonly onDisconnect: { addListener(listener: () => void): void }
}

/** How long after a lost port the next one is opened: the worker was stopped, and comes back when it is called. */
export const RECONNECT_MS = 1_000

/** The port to the worker, opened again when the worker was stopped in between. */
export class WorkerLink {
  readonly #connect: () => WorkerPort
  readonly #receive: (snapshot: Snapshot) => void
  #port: WorkerPort | null = null
  #watch: FromPopup | null = null

  constructor(connect: () => WorkerPort, receive: (snapshot: Snapshot) => void) {
    this.#connect = connect
    this.#receive = receive
  }

  /** Hear of this tab from now on. */
  watch(message: Extract<FromPopup, { type: 'WATCH' }>): void {
    this.#watch = message
    if (this.#port === null) this.#open()
    else this.#port.postMessage(message)
  }

  /** Without a port there is nothing to stop, and the next one begins by asking. */
  send(message: FromPopup): void {
    this.#port?.postMessage(message)
  }

  #open(): void {
    if (this.#watch === null || this.#port !== null) return
    const port = this.#connect()
    this.#port = port
    port.onMessage.addListener((snapshot) => this.#receive(snapshot))
    port.onDisconnect.addListener(() => {
      this.#port = null
      setTimeout(() => this.#open(), RECONNECT_MS)
    })
    port.postMessage(this.#watch)
  }
}
