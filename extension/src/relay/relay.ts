import type { Port } from '../platform/platform'
import type { BridgeLost, DirectOffer as OfferMessage } from '../protocol/bridge'
import { isTerminal } from '../shared/terminal'
import type { DirectOffer } from './direct-port'

/** What the relay needs of its extension. */
export interface RelayWorld {
  /** @throws if the extension was reloaded or removed */
  connect(): Port
  /** The extension that this relay belongs to was reloaded or removed: it will never connect again. */
  orphaned(): boolean
  /** A port that leads to the shim and may be sent to the worker; null where it need not be tried. */
  offerDirectPort(inVain: () => void): DirectOffer | null
}

/**
 * After how many chunks without the end of a stream a page is worth a direct port: short answers are over before. While the
 * frame is in the page, a tenth of a second, the browser would not keep the page in its back/forward cache.
 */
export const CHUNKS_BEFORE_DIRECT = 16

/**
 * Moves messages between the shim's channel and the worker's port, as they are. Bytes go to the page by transfer.
 *
 * The worker's port is opened by the page's first message, so a page that never streams wakes nothing. A page that streams
 * gets a direct port, by which the worker leaves this relay out from then on.
 */
export class Relay {
  /** The shim's end of the channel. */
  readonly shimPort: MessagePort
  readonly #world: RelayWorld
  readonly #page: MessagePort
  #worker: Port | null = null
  /** Of bodies, either way, since the last end of a stream. */
  #chunks = 0
  /** On its way, until it is there or the worker is lost. */
  #offer: DirectOffer | null = null
  /** Whether the direct port of an earlier connection did not come: this page does not let the frame in. */
  #inVain = false

  constructor(world: RelayWorld) {
    this.#world = world
    const { port1, port2 } = new MessageChannel()
    this.shimPort = port2
    this.#page = port1
    this.#page.onmessage = ({ data }) => this.#fromPage(data)
  }

  /** Give the worker's port back, silently: the page goes into the back/forward cache, where it would be closed. */
  release(): void {
    const worker = this.#worker
    this.#worker = null
    this.#chunks = 0
    if (this.#offer !== null) this.#withdraw(this.#offer)
    try {
      worker?.disconnect()
    } catch {
      // The extension is gone, and with it the other end.
    }
  }

  #fromPage(message: { type?: unknown } | null): void {
    this.#toWorker(message)
    if (message?.type === 'STREAM_BODY') this.#carried()
  }

  #toWorker(message: unknown): void {
    try {
      this.#worker ??= this.#connect()
      this.#worker.postMessage(message)
    } catch {
      this.#lost()
    }
  }

  #connect(): Port {
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
    if (message.type === 'STREAM_CHUNK') {
      this.#page.postMessage(message, [message.data.buffer])
      this.#carried()
    } else if (message.type === 'DIRECT_OPEN') {
      this.#openDirectPort(message)
    } else {
      this.#page.postMessage(message)
      if (isTerminal(message.type)) this.#chunks = 0
    }
  }

  /** Another chunk of a body, one way or the other. */
  #carried(): void {
    this.#chunks += 1
    if (this.#chunks === CHUNKS_BEFORE_DIRECT) this.#offerDirectPort()
  }

  #offerDirectPort(): void {
    if (this.#offer !== null || this.#inVain) return
    const offer = this.#world.offerDirectPort(() => {
      this.#inVain = true
    })
    if (offer === null) return
    this.#offer = offer
    // First the offer: a port whose token nobody announced is closed.
    this.#toWorker({ type: 'DIRECT_OFFER', token: offer.token } satisfies OfferMessage)
    // Where the worker was lost just now, the offer is withdrawn.
    if (this.#offer === offer) offer.send()
  }

  #openDirectPort(message: unknown): void {
    const offer = this.#offer
    if (offer === null) return
    this.#page.postMessage(message, [offer.shimPort])
    this.#withdraw(offer)
  }

  #withdraw(offer: DirectOffer): void {
    this.#offer = null
    offer.withdraw()
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
