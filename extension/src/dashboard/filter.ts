import type { StreamRecord } from '../shared/dashboard'
import { type HostSigns, holderOf } from './holding'
import type { Row } from './store'

/** What a person typed, understood. */
export type Filter = readonly Term[]

interface Term {
  readonly key: Key | null
  readonly text: string
  readonly not: boolean
}

type Key = keyof typeof KEYS

/** What a stream has under each key. */
const KEYS = {
  state: (row: Row) => [row.record.state, ...(isLive(row.record) ? ['live'] : []), outcomeOf(row.record)],
  status: ({ record }: Row) => [String(record.status), record.status > 0 ? `${Math.floor(record.status / 100)}xx` : ''],
  page: ({ record }: Row) => [record.page, record.principal],
  to: ({ record }: Row) => [record.url],
  grant: ({ record }: Row) => [record.grant],
  method: ({ record }: Row) => [record.method],
  kind: ({ record }: Row) => [record.kind],
  code: ({ record }: Row) => [record.ending?.how === 'error' ? record.ending.code : ''],
  tab: ({ record }: Row) => [String(record.tab)],
  held: (row: Row, now: number, host: HostSigns) => [holderOf(row.record, now, host)?.who ?? '']
}

/** The keys that stand for a whole value, and not for what is in it. */
const WHOLE: ReadonlySet<Key> = new Set(['state', 'status', 'method', 'kind', 'tab', 'held'])

export const FILTER_KEYS = Object.keys(KEYS) as readonly Key[]

/**
 * Words that all have to be there: `key:value` for what stands under a key, else anywhere; `-` before one says that it must
 * not be. What is no key is text: URLs have colons.
 */
export function parseFilter(text: string): Filter {
  return text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '' && word !== '-')
    .map((word) => {
      const not = word.startsWith('-')
      const bare = not ? word.slice(1) : word
      const colon = bare.indexOf(':')
      const name = bare.slice(0, Math.max(0, colon))
      const key = Object.hasOwn(KEYS, name) ? (name as Key) : null
      return { key, text: key === null ? bare : bare.slice(colon + 1), not }
    })
}

/** @param now on the wall clock, milliseconds */
export function matches(filter: Filter, row: Row, now: number, host: HostSigns): boolean {
  return filter.every(({ key, text, not }) => found(key, text, row, now, host) !== not)
}

function found(key: Key | null, text: string, row: Row, now: number, host: HostSigns): boolean {
  // While its value is being typed.
  if (text === '') return true
  if (key === null) return searchedOf(row).includes(text)
  const values = KEYS[key](row, now, host).map((value) => value.toLowerCase())
  return WHOLE.has(key) ? values.includes(text) : values.some((value) => value.includes(text))
}

function searchedOf(row: Row): string {
  row.searched ??= searchTextOf(row.record).toLowerCase()
  return row.searched
}

function searchTextOf({ page, grant, method, url, status, mime, kind, ending }: StreamRecord): string {
  const error = ending?.how === 'error' ? `${ending.code} ${ending.message}` : ''
  return `${method} ${url}\n${page}\n${grant}\n${status} ${mime} ${kind}\n${error}`
}

export function isLive({ state }: StreamRecord): boolean {
  return state !== 'ended'
}

/** `done`, `failed` or `stopped`; empty while it lives. */
export function outcomeOf({ ending, status }: StreamRecord): 'done' | 'failed' | 'stopped' | '' {
  if (ending === null) return ''
  if (ending.how === 'abort') return 'stopped'
  if (ending.how === 'error') return ending.code === 'STOPPED_BY_USER' ? 'stopped' : 'failed'
  return status >= 400 ? 'failed' : 'done'
}
