import { WINDOW_FLOOR_BYTES } from '../protocol/constants'
import type { StreamHeaders, StreamStart } from '../protocol/native'
import { type EndingRecord, GAP_MS, HISTORY_BYTES, HISTORY_STREAMS, type StreamRecord } from '../shared/dashboard'
import { GENERATE_URL } from '../shared/names'
import { Ring } from '../shared/ring'
import type { BesideType, ObservedStream, StreamEnding, StreamEvents } from './observer'

/** A URL is shown whole up to here: a page may have ten thousand of 64 KiB. */
export const MAX_URL_SHOWN = 4_096

/** More than what a record has beside its texts. */
const RECORD_BYTES = 600

/** What keeps the ended streams where a stopped worker does not lose them. */
export interface Keeper {
  /** This stream ended. */
  ended(record: Readonly<StreamRecord>): void
  /** Some of those that live began, ended, or got their headers. */
  liveChanged(): void
  clear(): void
}

/** Who is told while somebody looks. */
export interface HistoryWatcher {
  /** It began, got its headers, or ended. */
  turned(record: Readonly<StreamRecord>): void
  /** It went on. */
  counted(record: Readonly<StreamRecord>): void
}

/**
 * Every stream that this worker carries or carried, as numbers. It looks at no byte and keeps none. While nobody looks, a
 * chunk costs it some additions.
 */
export class History implements StreamEvents {
  readonly #live = new Map<ObservedStream, StreamRecord>()
  readonly #ended = new Ring<StreamRecord>({ count: HISTORY_STREAMS, bytes: HISTORY_BYTES })
  readonly #clock: { readonly timeOrigin: number; now(): number }
  keeper: Keeper | null = null
  watcher: HistoryWatcher | null = null

  /** @param clock of `performance` */
  constructor(clock: { readonly timeOrigin: number; now(): number } = performance) {
    this.#clock = clock
  }

  opened(stream: ObservedStream, start: Readonly<StreamStart>): void {
    const { page, method, url } = stream
    const record: StreamRecord = {
      id: this.#idOf(stream),
      page: page.origin,
      principal: page.principal ?? 'page',
      tab: page.tab,
      kind: kindOf(url),
      method,
      url: cut(url),
      grant: '',
      startedAt: this.#clock.timeOrigin + stream.startedAt,
      state: 'connecting',
      bodySent: start.body.kind !== 'stream',
      status: 0,
      mime: '',
      received: 0,
      consumed: 0,
      sent: 0,
      taken: 0,
      window: WINDOW_FLOOR_BYTES,
      chunks: 0,
      gaps: 0,
      longestGap: 0,
      firstByteAt: -1,
      lastByteAt: -1,
      headersAt: null,
      endedAt: null,
      ending: null
    }
    this.#live.set(stream, record)
    this.#turned(record)
  }

  headers(stream: ObservedStream, head: Readonly<StreamHeaders>): void {
    const record = this.#live.get(stream)
    if (record === undefined) return
    record.status = head.status
    record.url = cut(head.url)
    record.grant = stream.grant ?? ''
    record.mime = mimeOf(head.headers)
    record.headersAt = this.#clock.now() - stream.startedAt
    if (record.state === 'connecting') record.state = 'open'
    this.#turned(record)
  }

  // The path of every chunk.
  chunk(stream: ObservedStream, offset: number, size: number): void {
    const record = this.#live.get(stream)
    if (record === undefined) return
    const at = this.#clock.now() - stream.startedAt
    if (record.chunks === 0) record.firstByteAt = at
    else {
      const gap = at - record.lastByteAt
      if (gap > record.longestGap) record.longestGap = gap
      if (gap >= GAP_MS) record.gaps += 1
    }
    record.chunks += 1
    record.lastByteAt = at
    record.received = offset + size
    if (stream.window !== undefined) record.window = stream.window
    this.watcher?.counted(record)
  }

  message(stream: ObservedStream, type: BesideType, offset: number): void {
    const record = this.#live.get(stream)
    if (record === undefined) return
    if (type === 'STREAM_ACK') record.consumed = offset
    else if (type === 'STREAM_BODY') record.sent = offset
    else if (type === 'STREAM_BODY_ACK') record.taken = offset
    else if (type === 'STREAM_BODY_END') record.bodySent = true
    else if (type === 'STREAM_BODY_AGAIN') {
      record.sent = record.taken = 0
      record.bodySent = false
    } else if (type === 'STREAM_ABORT') {
      record.state = 'ending'
      return this.#turned(record)
    }
    this.watcher?.counted(record)
  }

  ended(stream: ObservedStream, ending: StreamEnding): void {
    const record = this.#live.get(stream)
    if (record === undefined) return
    this.#live.delete(stream)
    record.state = 'ended'
    record.endedAt = this.#clock.now() - stream.startedAt
    record.ending = endingOf(ending)
    record.grant = stream.grant ?? ''
    this.#add(record)
    this.keeper?.ended(record)
    this.#turned(record)
  }

  /** Those of earlier workers, the oldest first: before this one's own. */
  restore(records: readonly StreamRecord[]): void {
    const own = [...this.#ended]
    this.#ended.clear()
    for (const record of [...records, ...own]) this.#add(record)
  }

  /** Forget what ended. */
  clear(): void {
    this.#ended.clear()
    this.keeper?.clear()
  }

  /** Those that live, then those that ended, the newest first. */
  all(): Readonly<StreamRecord>[] {
    return [...this.#live.values(), ...[...this.#ended].reverse()]
  }

  live(): Iterable<Readonly<StreamRecord>> {
    return this.#live.values()
  }

  /** The stream of this worker's that has this id, if it lives. */
  find(id: number): [stream: ObservedStream, record: Readonly<StreamRecord>] | undefined {
    for (const found of this.#live) if (found[1].id === id) return found
    return undefined
  }

  /** Workers begin at different times, and none gives out a thousand ids in a millisecond. */
  #idOf(stream: ObservedStream): number {
    return Math.floor(this.#clock.timeOrigin) * 1000 + stream.id
  }

  #add(record: StreamRecord): void {
    const { page, method, url, grant, mime, ending } = record
    const message = ending?.how === 'error' ? ending.message.length : 0
    const chars = page.length + method.length + url.length + grant.length + mime.length + message
    this.#ended.add(record, RECORD_BYTES + 2 * chars)
  }

  #turned(record: StreamRecord): void {
    this.keeper?.liveChanged()
    this.watcher?.turned(record)
  }
}

function kindOf(url: string): StreamRecord['kind'] {
  if (url === GENERATE_URL) return 'generation'
  return /^wss?:/.test(url) ? 'websocket' : 'http'
}

function cut(url: string): string {
  return url.length <= MAX_URL_SHOWN ? url : `${url.slice(0, MAX_URL_SHOWN)}… (${url.length} characters)`
}

function mimeOf(headers: StreamHeaders['headers']): string {
  const [, value = ''] = headers.find(([name]) => name.toLowerCase() === 'content-type') ?? []
  return value.split(';', 1).join('').trim().toLowerCase().slice(0, 100)
}

function endingOf(ending: StreamEnding): EndingRecord {
  if (ending.how !== 'end') return ending
  const { how, completeness, timings } = ending
  return { how, completeness, timings }
}
