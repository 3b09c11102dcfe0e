import type { Core } from './core'
import type { RpcError } from './errors'
import { randomId } from './options'
import { deferred, jsonOf } from './payload'

export interface RequestOptions {
  /** Milliseconds to the answer, 30,000 by default. */
  timeout?: number
  /** Gives the request up, and the other side's handler with it. */
  signal?: AbortSignal
}

const REQUEST_TIMEOUT = 30_000

interface Waiting {
  readonly resolve: (data: unknown) => void
  readonly reject: (error: unknown) => void
}

/** The requests of this side, and who waits for their answers. */
export class Asking {
  readonly #core: Core
  readonly #pump: () => void
  readonly #asked = new Map<string, Waiting>()

  constructor(core: Core, pump: () => void) {
    this.#core = core
    this.#pump = pump
  }

  /** As `Peer.request` says. */
  async request(data: unknown, { timeout = REQUEST_TIMEOUT, signal }: RequestOptions): Promise<unknown> {
    if (!(timeout > 0)) throw new TypeError('`timeout` is a number of milliseconds above 0')
    signal?.throwIfAborted()
    const requestId = randomId()
    this.#core.request(requestId, jsonOf(data), performance.now() + timeout)
    const { promise, resolve, reject } = deferred<unknown>()
    const onAbort = () => {
      this.#asked.delete(requestId)
      this.#core.cancelRequest(requestId)
      reject(signal?.reason)
      this.#pump()
    }
    this.#asked.set(requestId, { resolve, reject })
    signal?.addEventListener('abort', onAbort)
    this.#pump()
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** One of them is over. */
  answered(requestId: string, data: unknown, error: RpcError | null): void {
    const waiting = this.#asked.get(requestId)
    this.#asked.delete(requestId)
    if (error !== null) waiting?.reject(error)
    else waiting?.resolve(data)
  }
}
