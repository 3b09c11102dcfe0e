import type { StreamHeaders } from '../protocol/native'
import type { StreamRow } from '../shared/popup'
import type { BesideType, ObservedStream, StreamEvents } from './observer'

/** How far a stream has come. */
interface Account {
  state: Exclude<StreamRow['state'], 'starting'>
  status: number
  received: number
  sent: number
}

/** What the popup tells of the streams that live: it listens to the observer, and nothing is kept of what ended. */
export class LiveStreams implements StreamEvents {
  readonly #accounts = new Map<ObservedStream, Account>()
  readonly #hostStarts: () => boolean

  /** @param hostStarts whether what was sent waits for the host to start */
  constructor(hostStarts: () => boolean) {
    this.#hostStarts = hostStarts
  }

  opened(stream: ObservedStream): void {
    this.#accounts.set(stream, { state: 'connecting', status: 0, received: 0, sent: 0 })
  }

  headers(stream: ObservedStream, { status }: Readonly<StreamHeaders>): void {
    const account = this.#accounts.get(stream)
    if (account === undefined) return
    account.status = status
    if (account.state === 'connecting') account.state = 'open'
  }

  chunk(stream: ObservedStream, offset: number, size: number): void {
    const account = this.#accounts.get(stream)
    if (account !== undefined) account.received = offset + size
  }

  message(stream: ObservedStream, type: BesideType, offset: number): void {
    const account = this.#accounts.get(stream)
    if (account === undefined) return
    if (type === 'STREAM_BODY') account.sent = offset
    else if (type === 'STREAM_ABORT') account.state = 'ending'
  }

  ended(stream: ObservedStream): void {
    this.#accounts.delete(stream)
  }

  /** Those of all documents of one tab, as they stand. */
  of(tab: number): StreamRow[] {
    const starting = this.#hostStarts()
    const reports: StreamRow[] = []
    for (const [{ id, page, method, url, durable, startedAt }, account] of this.#accounts) {
      if (page.tab !== tab) continue
      const state = starting && account.state !== 'ending' ? 'starting' : account.state
      const principal = page.principal ?? 'page'
      reports.push({ id, origin: page.origin, principal, method, url, durable, startedAt, ...account, state })
    }
    return reports
  }
}
