import { COUNTED, HISTORY_STREAMS, type StreamCounts, type StreamRecord, type Update } from '../shared/dashboard'
import type { HostSigns } from './holding'
import { RateMeter } from './rates'

/** A stream as it is shown. */
export interface Row {
  record: StreamRecord
  readonly rates: RateMeter
  /** What a search looks through: made when it is first asked for, and anew when the record was told anew. */
  searched: string | null
}

/** All streams that the worker told of; bounded as the worker's own history is. */
export class StreamStore {
  readonly #rows = new Map<number, Row>()
  readonly #liveIds = new Set<number>()
  #host: HostSigns = { starts: false, heardAt: 0 }
  /** Grows whenever streams began, got their headers, or ended: what is sorted and filtered may have changed. */
  version = 0

  get host(): HostSigns {
    return this.#host
  }

  /** In no order. */
  get rows(): Iterable<Row> {
    return this.#rows.values()
  }

  /** Origins of the pages that stream, or did; some of them again and again. */
  *pages(): Iterable<string> {
    for (const { record } of this.#rows.values()) yield record.page
  }

  get size(): number {
    return this.#rows.size
  }

  get live(): number {
    return this.#liveIds.size
  }

  row(id: number): Row | undefined {
    return this.#rows.get(id)
  }

  apply({ anew, at, hostStarts, hostHeardAt, records, counts }: Update): void {
    this.#host = { starts: hostStarts, heardAt: hostHeardAt }
    const before = anew ? new Map(this.#rows) : null
    if (anew) {
      this.#rows.clear()
      this.#liveIds.clear()
    }
    for (const record of records) this.#set(record, at, before)
    const step = COUNTED.length + 1
    for (let i = 0; i < counts.length; i += step) this.#count(counts, i, at)
    if (anew || records.length > 0) this.version += 1
    this.#trim()
  }

  /** Bytes per second, both ways, of all that live. */
  total(now: number): { readonly in: number; readonly out: number } {
    const sum = { in: 0, out: 0 }
    for (const id of this.#liveIds) {
      const rate = this.#rows.get(id)?.rates.at(now)
      sum.in += rate?.in ?? 0
      sum.out += rate?.out ?? 0
    }
    return sum
  }

  #set(record: StreamRecord, at: number, before: Map<number, Row> | null): void {
    const row = this.#rows.get(record.id)
    if (record.state === 'ended') this.#liveIds.delete(record.id)
    else this.#liveIds.add(record.id)
    if (row !== undefined) {
      row.record = record
      row.searched = null
    } else {
      const rates = before?.get(record.id)?.rates ?? new RateMeter()
      this.#rows.set(record.id, { record, rates, searched: null })
    }
    this.#sample(this.#rows.get(record.id) as Row, at)
  }

  #count(counts: Float64Array, i: number, at: number): void {
    const row = this.#rows.get(counts[i] as number)
    if (row === undefined) return
    const told: StreamCounts = row.record
    for (const [j, name] of COUNTED.entries()) told[name] = counts[i + 1 + j] as number
    this.#sample(row, at)
  }

  #sample({ record, rates }: Row, at: number): void {
    if (record.state !== 'ended') rates.add({ at, received: record.received, sent: record.sent })
  }

  #trim(): void {
    const spare = this.#rows.size - this.#liveIds.size - HISTORY_STREAMS
    if (spare <= 0) return
    // Not in the order that they were told in: the newest are told first.
    const ended = [...this.#rows.keys()].filter((id) => !this.#liveIds.has(id)).sort((one, other) => one - other)
    for (const id of ended.slice(0, spare)) this.#rows.delete(id)
  }
}
