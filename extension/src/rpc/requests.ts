import { RpcError, type WireError, wireError } from './errors'
import type { Link } from './link'

/** What was said that nobody answers, and handlers are still busy with. */
const MAX_TOLD = 20_000

/** Requests in both directions: which are waiting for an answer, here and there, and what is to be sent of them. */
export class Requests {
  /** Those of this side, and until when they wait. */
  readonly #asked = new Map<string, number>()
  /** Those of the other side. */
  readonly #served = new Set<string>()
  readonly #sending: { readonly text: string; readonly answers: boolean }[] = []
  /** Answers among them: a side that does not read may not ask for ever. */
  #unread = 0
  #told = 0
  readonly #most: number
  readonly #link: Link

  /** @param most that may wait for an answer, in each direction */
  constructor(most: number, link: Link) {
    this.#most = most
    this.#link = link
  }

  get size(): number {
    return this.#asked.size
  }

  /**
   * @param data JSON
   * @throws {RpcError} TOO_MANY_REQUESTS
   */
  ask(requestId: string, data: string, deadline: number): void {
    if (this.#asked.size >= this.#most) throw new RpcError('TOO_MANY_REQUESTS')
    this.#asked.set(requestId, deadline)
    this.#send(`{"category":"request","requestId":${JSON.stringify(requestId)},"data":${data}}`, false)
  }

  notify(requestId: string, data: string): void {
    const id = JSON.stringify(requestId)
    this.#send(`{"category":"request","requestId":${id},"notify":true,"data":${data}}`, false)
  }

  /** The other side asks, or says what nobody answers. */
  onRequest(requestId: string, data: unknown, notify: boolean): void {
    if (!notify) {
      if (this.#served.has(requestId)) {
        const error = new RpcError('BAD_MESSAGE', 'A request has the id of one that is not answered yet')
        return this.#link.tell({ type: 'violation', error })
      }
      if (this.#unread >= 2 * this.#most) return this.#link.closeSocket(1008, 'too many answers unread')
      if (this.#served.size + this.#unread >= this.#most) {
        return this.#answer(requestId, null, new RpcError('TOO_MANY_REQUESTS'))
      }
      this.#served.add(requestId)
    } else if (this.#told >= MAX_TOLD) return this.#link.closeSocket(1008, 'too many messages unhandled')
    else this.#told++
    this.#link.tell({ type: 'request', requestId, data, notify })
  }

  /** A handler is done with what nobody answers. */
  handled(): void {
    this.#told--
  }

  /** Answers with JSON, or with an error. */
  respond(requestId: string, data: string | null, error: WireError | null): void {
    if (this.served(requestId)) this.#answer(requestId, data, error)
  }

  /** Answers nothing: a peer that knows no better waits until its patience is over. */
  ignore(requestId: string): void {
    if (this.served(requestId) && this.#link.extended === true) {
      this.#answer(requestId, null, new RpcError('NO_ANSWER'))
    }
  }

  #answer(requestId: string, data: string | null, error: RpcError | WireError | null): void {
    if (error === null) {
      this.#send(`{"category":"response","requestId":${JSON.stringify(requestId)},"data":${data ?? 'null'}}`, true)
    } else if (this.#link.extended === true) {
      this.#send(JSON.stringify({ category: 'response', requestId, error: wireError(error, true) }), true)
    } else {
      this.#send(JSON.stringify({ category: 'error', error: error.message, details: { requestId } }), true)
    }
  }

  #send(text: string, answers: boolean): void {
    this.#sending.push({ text, answers })
    if (answers) this.#unread++
  }

  next(): string | undefined {
    const next = this.#sending.shift()
    if (next?.answers) this.#unread--
    return next?.text
  }

  /** @returns whether somebody waited for it, and now does no more */
  answered(requestId: string): boolean {
    return this.#asked.delete(requestId)
  }

  /** @returns whether the other side waits for it, and now does no more */
  served(requestId: string): boolean {
    return this.#served.delete(requestId)
  }

  get deadline(): number {
    let at = Infinity
    for (const deadline of this.#asked.values()) at = Math.min(at, deadline)
    return at
  }

  expired(now: number): string[] {
    const ids = [...this.#asked].filter(([, deadline]) => now >= deadline).map(([id]) => id)
    for (const id of ids) this.#asked.delete(id)
    return ids
  }

  takeAsked(): string[] {
    const ids = [...this.#asked.keys()]
    this.#asked.clear()
    this.#sending.length = 0
    this.#unread = 0
    return ids
  }

  takeServed(): string[] {
    const ids = [...this.#served]
    this.#served.clear()
    return ids
  }
}
