/** The worker's end of a MessagePort that leads to a shim. */
export interface DirectPort {
  postMessage(message: unknown, transfer: Transferable[]): void
  close(): void
}

/**
 * The ways from the worker to its pages that leave out relay and browser process: who has one, and who was promised one.
 * `P` is a relay. Its offer comes by its own runtime port, the port by an iframe that only says the offer's token.
 */
export class DirectPorts<P extends object> {
  readonly #offers = new Map<string, P>()
  readonly #ports = new Map<P, DirectPort>()

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
    this.#ports.set(peer, port)
  }

  of(peer: P): DirectPort | undefined {
    return this.#ports.get(peer)
  }

  forget(peer: P): void {
    this.#dropOffer(peer)
    this.#ports.get(peer)?.close()
    this.#ports.delete(peer)
  }

  #dropOffer(peer: P): void {
    for (const [token, offering] of this.#offers) if (offering === peer) this.#offers.delete(token)
  }
}
