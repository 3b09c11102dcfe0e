import { PING_INTERVAL_MS } from '../protocol/constants'
import { GAP_MS, type StreamRecord } from '../shared/dashboard'

/** Who a stream waits for. */
export interface Holder {
  readonly who: 'upstream' | 'host' | 'page'
  readonly why: string
}

/** What the worker knows of the host. */
export interface HostSigns {
  readonly starts: boolean
  /** On the wall clock, milliseconds; 0: never. */
  readonly heardAt: number
}

/** It speaks every `PING_INTERVAL_MS` while streams live; what is known of that may be seconds old. */
export const HOST_SILENCE_MS = PING_INTERVAL_MS + 10_000

/** What is left of the credit of a page that does not read: it acknowledges by quarters. */
const LEFT = 1 / 4

/**
 * Who holds a live stream back, from offsets and times alone; null while it flows, or is over.
 *
 * The host sends no more than the page's credit, `consumed + window`. So a stream that is silent with its credit used up
 * waits for its page; with credit left, for its server, as long as the host gives signs of life.
 *
 * @param now on the wall clock, milliseconds
 */
export function holderOf(record: Readonly<StreamRecord>, now: number, host: HostSigns): Holder | null {
  if (record.state === 'ended' || record.state === 'ending') return null
  if (host.starts && record.state === 'connecting') return { who: 'host', why: 'It is starting.' }
  const age = now - record.startedAt
  const quiet = age - Math.max(0, record.lastByteAt, record.headersAt ?? 0)
  if (quiet < GAP_MS) return null
  if (now - Math.max(host.heardAt, record.startedAt) > HOST_SILENCE_MS) {
    return { who: 'host', why: 'Nothing was heard of it for longer than it is silent.' }
  }
  return record.headersAt === null ? beforeHeaders(record) : inBody(record)
}

function beforeHeaders({ bodySent, sent, taken, kind }: Readonly<StreamRecord>): Holder {
  if (kind === 'websocket') return { who: 'upstream', why: 'It has not answered the handshake.' }
  if (bodySent) return { who: 'upstream', why: 'It has not answered with headers.' }
  if (sent > taken) return { who: 'upstream', why: 'It does not take the rest of the request’s body.' }
  return { who: 'page', why: 'It has not given the rest of the request’s body.' }
}

function inBody({ received, consumed, window }: Readonly<StreamRecord>): Holder {
  const credit = consumed + window - received
  if (credit <= window * LEFT) return { who: 'page', why: 'It does not read what it was given.' }
  return { who: 'upstream', why: 'It sends nothing.' }
}
