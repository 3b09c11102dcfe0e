import { RpcError, wireError } from './errors'
import { jsonOf } from './payload'

/** What a handler is given beside the data. */
export interface Context<Peer> {
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** Whoever asked. */
  readonly peer: Peer
}

/** Answers a request; undefined: not this one. */
export type Handler<Peer> = (data: never, context: Context<Peer>) => unknown

/** JSON, or an error; neither: nobody answers. */
type Answer = (requestId: string, data: string | undefined, error: unknown) => void

/** A message that nobody answers has been handled. */
type Handled = () => void

/** Those who answer the other side's requests. */
export class Handlers<Peer> {
  readonly #peer: Peer
  readonly #answer: Answer
  readonly #handled: Handled
  readonly #handlers = new Set<Handler<Peer>>()
  readonly #running = new Map<string, AbortController>()

  constructor(peer: Peer, answer: Answer, handled: Handled) {
    this.#peer = peer
    this.#answer = answer
    this.#handled = handled
  }

  add(handler: Handler<Peer>): () => void {
    if (typeof handler !== 'function') throw new TypeError('a handler is a function')
    this.#handlers.add(handler)
    return () => {
      this.#handlers.delete(handler)
    }
  }

  take(requestId: string, data: unknown, notify: boolean): void {
    const controller = new AbortController()
    if (!notify) this.#running.set(requestId, controller)
    // A socket may give several messages at once: whoever awaited the peer has not come to name its handlers yet.
    if (this.#handlers.size === 0) setTimeout(() => void this.#run(requestId, data, notify, controller), 0)
    else void this.#run(requestId, data, notify, controller)
  }

  async #run(requestId: string, data: unknown, notify: boolean, controller: AbortController): Promise<void> {
    let answer: string | undefined
    let failure: unknown = null
    try {
      for (const handler of [...this.#handlers]) {
        const given = await handler(data as never, { signal: controller.signal, peer: this.#peer })
        if (given === undefined) continue
        answer = jsonOf(given)
        break
      }
    } catch (error) {
      failure = error ?? new RpcError('FAILED', wireError(error).message)
    }
    if (notify) this.#handled()
    else if (this.#running.delete(requestId)) this.#answer(requestId, answer, failure)
  }

  cancel(requestId: string): void {
    const controller = this.#running.get(requestId)
    this.#running.delete(requestId)
    controller?.abort(new RpcError('CANCELLED', 'Nobody waits for the answer any more'))
  }
}
