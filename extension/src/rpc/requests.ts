/** Requests in both directions: which are waiting for an answer, here and there, and what is to be sent of them. */
export class Requests {
  /** Those of this side, and until when they wait. */
  readonly #asked = new Map<string, number>()
  /** Those of the other side. */
  readonly #served = new Set<string>()
  readonly #sending: { readonly text: string; readonly answers: boolean }[] = []
  /** Answers among them: a side that does not read may not ask for ever. */
  #unread = 0

  get size(): number {
    return this.#asked.size
  }

  /** @param data JSON */
  ask(requestId: string, data: string, deadline: number): void {
    this.#asked.set(requestId, deadline)
    this.#send(`{"category":"request","requestId":${JSON.stringify(requestId)},"data":${data}}`, false)
  }

  notify(requestId: string, data: string): void {
    const id = JSON.stringify(requestId)
    this.#send(`{"category":"request","requestId":${id},"notify":true,"data":${data}}`, false)
  }

  respond(requestId: string, data: string): void {
    this.#send(`{"category":"response","requestId":${JSON.stringify(requestId)},"data":${data}}`, true)
  }

  /** Answers with an error. */
  fail(message: object): void {
    this.#send(JSON.stringify(message), true)
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

  /** @returns why the other side may not ask that, null if it may */
  serve(requestId: string, most: number): 'again' | 'many' | 'unread' | null {
    if (this.#served.has(requestId)) return 'again'
    if (this.#unread >= 2 * most) return 'unread'
    if (this.#served.size + this.#unread >= most) return 'many'
    this.#served.add(requestId)
    return null
  }

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
