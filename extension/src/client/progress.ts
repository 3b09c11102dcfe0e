/** How far a stream has come. Times in milliseconds. */
export interface Progress {
  readonly bytesReceived: number
  readonly eventsReceived: number
  /** Since the request was made. */
  readonly elapsed: number
  readonly timeToHeaders: number | undefined
  /** Until the first event that carries text, or the first at all if none does. */
  readonly timeToFirstContent: number | undefined
  /** Bytes a second since the headers. */
  readonly rate: number
  /** Bytes of the whole body, where the server announced it. */
  readonly total: number | undefined
  /** What is left at this rate, where `total` is known. */
  readonly remaining: number | undefined
}

/** Counts and times one stream, over all its attempts. */
export class Meter {
  bytesReceived = 0
  eventsReceived = 0
  readonly #started = performance.now()
  #ended: number | undefined
  #headersAt: number | undefined
  #contentAt: number | undefined
  #firstEventAt: number | undefined
  /** Of the present response. */
  #opened: { at: number; before: number; total: number | undefined } | undefined

  headers(response: Response): void {
    const now = performance.now()
    this.#headersAt ??= now
    this.#opened = { at: now, before: this.bytesReceived, total: announcedLength(response.headers) }
  }

  event(text: string): void {
    this.eventsReceived += 1
    this.#firstEventAt ??= performance.now()
    if (text !== '') this.#contentAt ??= performance.now()
  }

  end(): void {
    this.#ended ??= performance.now()
  }

  snapshot(): Progress {
    const now = this.#ended ?? performance.now()
    const since = (at: number | undefined) => (at === undefined ? undefined : at - this.#started)
    const { at = now, before = 0, total } = this.#opened ?? {}
    const received = this.bytesReceived - before
    const rate = now > at ? (received / (now - at)) * 1000 : 0
    const left = total === undefined ? undefined : Math.max(0, total - received)
    return {
      bytesReceived: this.bytesReceived,
      eventsReceived: this.eventsReceived,
      elapsed: now - this.#started,
      timeToHeaders: since(this.#headersAt),
      timeToFirstContent: since(this.#contentAt ?? this.#firstEventAt),
      rate,
      total,
      remaining: left === undefined ? undefined : left === 0 ? 0 : rate > 0 ? (left / rate) * 1000 : undefined
    }
  }
}

/** Bytes of a body as the page will see it: a length that counts compressed bytes says nothing of that. */
export function announcedLength(headers: Headers): number | undefined {
  const length = headers.get('content-length')
  const coding = headers.get('content-encoding') ?? 'identity'
  return length !== null && /^\d+$/.test(length) && coding === 'identity' ? Number(length) : undefined
}
