import { COLUMNS, type Moment } from './columns'
import { type Filter, matches } from './filter'
import type { Row, StreamStore } from './store'

export interface Order {
  /** A column's, or `began`. */
  readonly by: string
  readonly down: boolean
}

/** The newest first. */
export const NEWEST: Order = { by: 'began', down: true }

/** Streams that match, in order. */
export function arrange(store: StreamStore, filter: Filter, order: Order, moment: Moment): Row[] {
  const rows: Row[] = []
  for (const row of store.rows) if (matches(filter, row, moment.now, moment.host)) rows.push(row)
  const sort = COLUMNS.find(({ id }) => id === order.by)?.sort
  const sign = order.down ? -1 : 1
  if (sort === undefined) return rows.sort((one, other) => sign * (one.record.id - other.record.id))
  const keyed = rows.map((row) => ({ row, key: sort(row, moment) }))
  keyed.sort((one, other) => sign * compare(one.key, other.key) || other.row.record.id - one.row.record.id)
  return keyed.map(({ row }) => row)
}

function compare(one: number | string, other: number | string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/** Whether the order changes by itself while streams live. */
export function isRestless({ by }: Order): boolean {
  return COLUMNS.find(({ id }) => id === by)?.restless ?? false
}
