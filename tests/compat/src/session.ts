/** What one client of sockets is given. */
export interface SocketTask {
  /** `longwire.WebSocket` itself, or the browser's own. */
  readonly WebSocket: typeof WebSocket
  /** As with `WebSocket`: for clients that ask something before they open one. */
  readonly fetch: typeof fetch
  /** Where the server is, without a slash at the end: `ws://…`. */
  readonly url: string
  /** For a client that takes only the page's own class: puts that of `WebSocket` there, and gives what undoes it. */
  patch(): () => void
  /** What the client reported, in its order. */
  tell(event: unknown): void
}

/** How often something has happened, and whoever waits for it. */
export class Count {
  #times = 0
  readonly #waiting: { times: number; done: () => void }[] = []

  mark(): void {
    this.#times += 1
    for (const { times, done } of this.#waiting) if (this.#times >= times) done()
  }

  /** Until it happens again. */
  next(): Promise<void> {
    return this.until(this.#times + 1)
  }

  /** Until it has happened so often. */
  until(times: number): Promise<void> {
    if (this.#times >= times) return Promise.resolve()
    return new Promise((done) => {
      this.#waiting.push({ times, done })
    })
  }
}

/** A client that is connected. */
export interface Session {
  /** Send by the client's own means, and give what came back. */
  text(text: string): Promise<unknown>
  /** The same with bytes, where the client has them. */
  binary?(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array>
  /** Each time that the client was connected; of one that does not connect again, each time that it said it is not. */
  readonly changes: Count
  /** End it as the client does; back when the client has reported that. */
  close(): unknown
}

/** A client; what it gives and tells is compared, so it is everything a user would look at, as plain data. */
export interface SocketClient {
  /** @returns when it is connected. A client that does not connect again fails where it cannot. */
  open(task: SocketTask): Promise<Session>
  /** Whether it connects again by itself. */
  readonly reconnects: boolean
}
