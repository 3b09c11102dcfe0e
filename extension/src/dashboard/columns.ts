import type { StreamRecord } from '../shared/dashboard'
import { formatBytes } from '../shared/format'
import { GENERATE_URL } from '../shared/names'
import { visible } from '../shared/text'
import { outcomeOf } from './filter'
import { type HostSigns, holderOf } from './holding'
import type { Row } from './store'

/** When and about whom the host says something, for cells that change by themselves. */
export interface Moment {
  /** On the wall clock, milliseconds. */
  readonly now: number
  readonly host: HostSigns
}

export interface Column {
  readonly id: string
  readonly title: string
  readonly text: (row: Row, moment: Moment) => string
  /** What it is sorted by; the waterfall has none. */
  readonly sort?: (row: Row, moment: Moment) => number | string
  /** Its values change while a stream lives, and the order with them. */
  readonly restless?: boolean
  readonly numeric?: boolean
}

export const COLUMNS: readonly Column[] = [
  { id: 'state', title: 'State', text: ({ record }) => stateOf(record), sort: ({ record }) => stateOf(record) },
  { id: 'method', title: 'Method', text: ({ record }) => methodOf(record), sort: ({ record }) => methodOf(record) },
  {
    id: 'destination',
    title: 'Destination',
    text: ({ record }) => destinationOf(record),
    sort: ({ record }) => record.url
  },
  { id: 'page', title: 'Page', text: ({ record }) => pageOf(record), sort: ({ record }) => record.page },
  { id: 'grant', title: 'Grant', text: ({ record }) => visible(record.grant), sort: ({ record }) => record.grant },
  {
    id: 'status',
    title: 'Status',
    text: ({ record }) => (record.status > 0 ? String(record.status) : ''),
    sort: ({ record }) => record.status,
    numeric: true
  },
  {
    id: 'received',
    title: 'Received',
    text: ({ record }) => (record.status > 0 ? formatBytes(record.received) : ''),
    sort: ({ record }) => record.received,
    restless: true,
    numeric: true
  },
  {
    id: 'sent',
    title: 'Sent',
    text: ({ record }) => (record.sent > 0 ? formatBytes(record.sent) : ''),
    sort: ({ record }) => record.sent,
    restless: true,
    numeric: true
  },
  {
    id: 'rate',
    title: 'Rate',
    text: (row, { now }) => rateOf(row, now),
    sort: (row, { now }) => bytesPerSecond(row, now),
    restless: true,
    numeric: true
  },
  {
    id: 'held',
    title: 'Waits for',
    text: ({ record }, { now, host }) => holderOf(record, now, host)?.who ?? '',
    sort: ({ record }, { now, host }) => holderOf(record, now, host)?.who ?? '~',
    restless: true
  },
  {
    id: 'headers',
    title: 'Headers',
    text: ({ record }) => formatMs(record.headersAt),
    sort: ({ record }) => record.headersAt ?? Number.POSITIVE_INFINITY,
    numeric: true
  },
  {
    id: 'first',
    title: 'First byte',
    text: ({ record }) => formatMs(record.firstByteAt),
    sort: ({ record: { firstByteAt } }) => (firstByteAt < 0 ? Number.POSITIVE_INFINITY : firstByteAt),
    numeric: true
  },
  {
    id: 'total',
    title: 'Total',
    text: ({ record }, { now }) => formatMs(lengthOf(record, now)),
    sort: ({ record }, { now }) => lengthOf(record, now),
    restless: true,
    numeric: true
  },
  { id: 'waterfall', title: 'Time', text: () => '' }
]

/** What a person calls how it stands. */
export function stateOf(record: StreamRecord): string {
  const { state, ending, status } = record
  if (ending === null) return { connecting: 'Waiting', open: 'Open', ending: 'Ending', ended: 'Ended' }[state]
  if (ending.how === 'error') return ending.code === 'STOPPED_BY_USER' ? 'Stopped' : 'Failed'
  if (ending.how === 'abort') return ending.reason === 'page-gone' ? 'Page left' : 'Given up'
  return status >= 400 ? 'Refused' : 'Done'
}

export function toneOf(record: StreamRecord): 'live' | 'good' | 'bad' | 'quiet' {
  const outcome = outcomeOf(record)
  return outcome === '' ? 'live' : outcome === 'done' ? 'good' : outcome === 'failed' ? 'bad' : 'quiet'
}

function methodOf({ kind, method }: StreamRecord): string {
  return kind === 'websocket' ? 'WS' : kind === 'generation' ? 'AI' : visible(method)
}

/** Without the scheme, which nearly all have in common. */
export function destinationOf({ url }: StreamRecord): string {
  return url === GENERATE_URL ? 'a language model' : visible(url.replace(/^(https|wss):\/\//, ''))
}

export function pageOf({ page, principal }: StreamRecord): string {
  const where = visible(page.replace(/^https:\/\//, ''))
  return principal === 'writer' ? `writer on ${where}` : where
}

export function lengthOf({ endedAt, startedAt }: StreamRecord, now: number): number {
  return endedAt ?? Math.max(0, now - startedAt)
}

function bytesPerSecond({ record, rates }: Row, now: number): number {
  if (record.state !== 'ended') {
    const rate = rates.at(now)
    return (rate?.in ?? 0) + (rate?.out ?? 0)
  }
  const ms = record.lastByteAt - (record.headersAt ?? 0)
  return ms > 0 ? (record.received * 1000) / ms : 0
}

/** Of one that lives what it is now, of one that ended what it was from its headers to its last byte. */
function rateOf(row: Row, now: number): string {
  const { record, rates } = row
  if (record.state === 'ended') {
    const rate = bytesPerSecond(row, now)
    return rate > 0 ? `${formatBytes(rate)}/s` : ''
  }
  const rate = rates.at(now)
  if (rate === null) return ''
  const parts = [`${formatBytes(rate.in)}/s`]
  if (rate.out > 0) parts.push(`↑ ${formatBytes(rate.out)}/s`)
  return parts.join(' ')
}

/** `0.4 ms`, `12 ms`, `1.24 s`, `2 min 05 s`; empty for what was not. */
export function formatMs(ms: number | null): string {
  if (ms === null || ms < 0) return ''
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)} s`
  const seconds = Math.floor(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${String(seconds % 60).padStart(2, '0')} s`
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}
