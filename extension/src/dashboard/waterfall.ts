import type { StreamRecord } from '../shared/dashboard'
import { lengthOf } from './columns'

/** On the wall clock, milliseconds. */
export interface TimeSpan {
  readonly start: number
  readonly end: number
}

/** Parts of the whole span, from 0 to 1. */
export interface Bar {
  readonly left: number
  readonly width: number
  /** How much of the bar is the wait for headers, and the wait from there to the first byte. */
  readonly headers: number
  readonly first: number
}

/** From the first that began to the last that ended, or to now where one lives. */
export function spanOfRecords(records: Iterable<StreamRecord>, now: number): TimeSpan {
  let start = Number.POSITIVE_INFINITY
  let end = 0
  for (const record of records) {
    start = Math.min(start, record.startedAt)
    end = Math.max(end, record.startedAt + lengthOf(record, now))
  }
  return end === 0 ? { start: now, end: now + 1 } : { start, end: Math.max(end, start + 1) }
}

export function barOf(record: StreamRecord, { start, end }: TimeSpan, now: number): Bar {
  const whole = end - start
  const length = Math.max(lengthOf(record, now), Number.EPSILON)
  const headersAt = Math.min(record.headersAt ?? length, length)
  const firstAt = Math.min(record.firstByteAt < 0 ? headersAt : record.firstByteAt, length)
  return {
    left: (record.startedAt - start) / whole,
    width: length / whole,
    headers: headersAt / length,
    first: Math.max(0, firstAt - headersAt) / length
  }
}
