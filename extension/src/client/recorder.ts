/** One thing that happened. */
export interface RecordEntry {
  /** Milliseconds since the stream was opened. */
  readonly at: number
  /** `status`, `event`, `heartbeat`, `bytes` … */
  readonly kind: string
  readonly detail: unknown
}

/** What `JSON.stringify(stream.recording)` writes. */
export interface Recording {
  readonly startedAt: string
  readonly entries: readonly RecordEntry[]
  /** Entries that were let go of, the oldest first, to stay within the limit. */
  readonly dropped: number
}

/** Every event with its time, for a bug report. The newest `limit` entries are kept. */
export class Recorder {
  readonly #limit: number
  readonly #startedAt = new Date()
  readonly #zero = performance.now()
  readonly #entries: RecordEntry[] = []
  #added = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add(kind: string, detail: unknown): void {
    const at = Math.round((performance.now() - this.#zero) * 1000) / 1000
    // A ring: what is overwritten is the oldest.
    this.#entries[this.#added % this.#limit] = { at, kind, detail }
    this.#added += 1
  }

  toJSON(): Recording {
    const dropped = Math.max(0, this.#added - this.#limit)
    const oldest = dropped % this.#limit
    const entries = [...this.#entries.slice(oldest), ...this.#entries.slice(0, oldest)]
    return { startedAt: this.#startedAt.toISOString(), entries, dropped }
  }
}
