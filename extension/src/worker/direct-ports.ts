/** The worker's end of a MessagePort that leads to a shim. */
export interface DirectPort {
  postMessage(message: unknown, transfer: Transferable[]): void
  close(): void
  onmessage: ((event: MessageEvent) => void) | null
}

/** What may come directly before the relay says that nothing more comes by it: more than the credit of a frame's streams lets be. */
export const MAX_EARLY_MESSAGES = 4096

interface Opened {
  readonly port: DirectPort
  /** What came before the last of what comes by the relay; null behind that. */
  early: unknown[] | null
}

/**
 * The ways from the worker to its pages that leave out relay and browser process: who has one, and who was promised one.
 * `P` is a relay. Its offer comes by its own runtime port, the port by an iframe that only says the offer's token.
 */
export class DirectPorts<P extends object> {
  readonly #offers = new Map<string, P>()
  readonly #ports = new Map<P, Opened>()
  readonly #heard: (peer: P, message: unknown) => void

  /** @param heard told what comes by a port, in its order with what comes by the relay; null for too much too early */
  constructor(heard: (peer: P, message: unknown) => void) {
    this.#heard = heard
  }

  /** A relay is about to send a port. Its latest offer counts until it has one; another's token stays the other's. */
  expect(peer: P, token: string): void {
    if (this.#ports.has(peer) || this.#offers.has(token)) return
    this.#dropOffer(peer)
    this.#offers.set(token, peer)
  }

  /** @returns whose port this is; it does not count as there before `open` */
  take(token: unknown): P | undefined {
    if (typeof token !== 'string') return undefined
    const peer = this.#offers.get(token)
    this.#offers.delete(token)
    return peer
  }

  open(peer: P, port: DirectPort): void {
    const opened: Opened = { port, early: [] }
    this.#ports.set(peer, opened)
    port.onmessage = ({ data }) => {
      if (this.#ports.get(peer) !== opened) return
      if (opened.early === null) this.#heard(peer, data)
      else if (opened.early.push(data) > MAX_EARLY_MESSAGES) this.#heard(peer, null)
    }
  }

  /** The relay says that the shim has the port. */
  taken(peer: P): void {
    const opened = this.#ports.get(peer)
    const early = opened?.early ?? []
    if (opened !== undefined) opened.early = null
    for (const message of early) this.#heard(peer, message)
  }

  of(peer: P): DirectPort | undefined {
    return this.#ports.get(peer)?.port
  }

  forget(peer: P): void {
    this.#dropOffer(peer)
    this.#ports.get(peer)?.port.close()
    this.#ports.delete(peer)
  }

  #dropOffer(peer: P): void {
    for (const [token, offering] of this.#offers) if (offering === peer) this.#offers.delete(token)
  }
}
