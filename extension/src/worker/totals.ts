import type { Storage } from '../platform/platform'
import type { Today } from '../shared/popup'
import type { ObservedStream, StreamEnding, StreamListener } from './observer'

/** Under which they are kept: a day and three numbers, nothing of who asked for what. */
export const TOTALS = 'totals'
export const KEEP_EVERY_MS = 2_000

const NONE = { streams: 0, bytes: 0, errors: 0 }

/** What the day has brought so far: streams that ended, bytes of their bodies, and streams that failed. */
export class Totals implements StreamListener {
  readonly #storage: Storage | null
  readonly #day: () => string
  #of = ''
  #today: Today = { ...NONE }
  /** That are not in `#today` yet. */
  #bytes = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  /**
   * @param storage null: in memory only, for private windows
   * @param day which day it is here
   */
  constructor(storage: Storage | null, day: () => string = localDay) {
    this.#storage = storage
    this.#day = day
    this.#of = day()
    void this.#recall()
  }

  get today(): Today {
    this.#turn()
    return this.#today
  }

  // Of every chunk: one addition. The day is looked at, and a timer set, when streams end or somebody asks.
  chunk(_: ObservedStream, __: number, size: number): void {
    this.#bytes += size
  }

  ended(_: ObservedStream, ending: StreamEnding): void {
    this.#turn()
    const { streams, bytes, errors } = this.#today
    // What a person stopped did not fail.
    const failed = ending.how === 'error' && ending.code !== 'STOPPED_BY_USER'
    this.#today = { streams: streams + 1, bytes, errors: errors + (failed ? 1 : 0) }
    this.#keepSoon()
  }

  #turn(): void {
    this.#today = { ...this.#today, bytes: this.#today.bytes + this.#bytes }
    this.#bytes = 0
    const day = this.#day()
    if (day === this.#of) return
    this.#of = day
    this.#today = { ...NONE }
  }

  async #recall(): Promise<void> {
    const { [TOTALS]: kept } = (await this.#storage?.get(TOTALS).catch(() => ({}) as never)) ?? {}
    const { day, streams, bytes, errors } = (typeof kept === 'object' && kept !== null ? kept : {}) as Record<
      string,
      unknown
    >
    if (day !== this.#of) return
    const { today } = this
    // What came while they were read counts as well.
    this.#today = {
      streams: today.streams + countOf(streams),
      bytes: today.bytes + countOf(bytes),
      errors: today.errors + countOf(errors)
    }
  }

  #keepSoon(): void {
    if (this.#storage === null || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.#storage?.set({ [TOTALS]: { day: this.#of, ...this.#today } }).catch(() => undefined)
    }, KEEP_EVERY_MS)
  }
}

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0
}

function localDay(): string {
  const now = new Date()
  return `${now.getFullYear()}-${now.getMonth() + 1}-${now.getDate()}`
}
