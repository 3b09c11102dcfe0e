/** What the link needs of Chromium's runtime port. */
export interface WorkerPort<Sent, Received> {
  postMessage(message: Sent): void
  readonly onMessage: { addListener(listener: (message: Received) => void): void }
  readonly onDisconnect: { addListener(listener: () => void): void }
}

/** How long after a lost port the next one is opened: the worker was stopped, and comes back when it is called. */
export const RECONNECT_MS = 1_000

/** An own page's port to the worker, opened again when the worker was stopped in between. */
export class WorkerLink<Sent, Received> {
  readonly #connect: () => WorkerPort<Sent, Received>
  readonly #receive: (message: Received) => void
  #port: WorkerPort<Sent, Received> | null = null
  #watch: Sent | null = null

  constructor(connect: () => WorkerPort<Sent, Received>, receive: (message: Received) => void) {
    this.#connect = connect
    this.#receive = receive
  }

  /** Hear what this asks for, from now on. */
  watch(message: Sent): void {
    this.#watch = message
    if (this.#port === null) this.#open()
    else this.#port.postMessage(message)
  }

  /** Without a port there is nothing to stop, and the next one begins by asking. */
  send(message: Sent): void {
    this.#port?.postMessage(message)
  }

  #open(): void {
    if (this.#watch === null || this.#port !== null) return
    const port = this.#connect()
    this.#port = port
    port.onMessage.addListener((message) => this.#receive(message))
    port.onDisconnect.addListener(() => {
      this.#port = null
      setTimeout(() => this.#open(), RECONNECT_MS)
    })
    port.postMessage(this.#watch)
  }
}
