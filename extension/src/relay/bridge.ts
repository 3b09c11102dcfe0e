import type { BridgeLost } from '../protocol/bridge'

/** What the relay needs of Chromium's runtime port. */
export interface WorkerPort {
  postMessage(message: unknown): void
  disconnect(): void
  readonly onMessage: { addListener(listener: (message: unknown) => void): void }
  readonly onDisconnect: { addListener(listener: () => void): void }
}

/** What the relay needs of its extension. */
export interface RelayWorld {
  /** @throws if the extension was reloaded or removed */
  connect(): WorkerPort
  /** The extension that this relay belongs to was reloaded or removed: it will never connect again. */
  orphaned(): boolean
}

/**
 * Moves messages between the shim's channel and the worker's port. Decides nothing and copies nothing: bytes go to the
 * page by transfer.
 *
 * The worker's port is opened by the page's first message, so a page that never streams wakes nothing.
 */
export class Relay {
  /** The shim's end of the channel. */
  readonly shimPort: MessagePort
  readonly #world: RelayWorld
  readonly #page: MessagePort
  #worker: WorkerPort | null = null

  constructor(world: RelayWorld) {
    this.#world = world
    const { port1, port2 } = new MessageChannel()
    this.shimPort = port2
    this.#page = port1
    this.#page.onmessage = ({ data }) => this.#toWorker(data)
  }

  /** Give the worker's port back, silently: the page goes into the back/forward cache, where it would be closed. */
  release(): void {
    const worker = this.#worker
    this.#worker = null
    try {
      worker?.disconnect()
    } catch {
      // The extension is gone, and with it the other end.
    }
  }

  #toWorker(message: unknown): void {
    try {
      this.#worker ??= this.#connect()
      this.#worker.postMessage(message)
    } catch {
      this.#lost()
    }
  }

  #connect(): WorkerPort {
    const worker = this.#world.connect()
    worker.onMessage.addListener((message) => {
      if (worker === this.#worker) this.#toPage(message as { type: string; data: Uint8Array })
    })
    worker.onDisconnect.addListener(() => {
      if (worker === this.#worker) this.#lost()
    })
    return worker
  }

  #toPage(message: { type: string; data: Uint8Array }): void {
    if (message.type === 'STREAM_CHUNK') this.#page.postMessage(message, [message.data.buffer])
    else this.#page.postMessage(message)
  }

  #lost(): void {
    this.release()
    const replaced = this.#world.orphaned()
    const message = replaced
      ? 'The Longwire extension was reloaded, updated or removed. If the next request fails too, reload the page.'
      : 'The Longwire extension stopped serving this page. The next request connects again.'
    this.#page.postMessage({ type: 'BRIDGE_LOST', message, replaced } satisfies BridgeLost)
  }
}
