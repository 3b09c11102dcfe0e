// The golden vectors hold for the extension: what pytest reads for the host, read here for the guards and tables.

import { describe, expect, test } from 'vitest'
import { ERRORS, type ErrorCode } from '../../src/protocol/errors'
import { isFromHost, isFromPage, isToPage } from '../../src/protocol/guards'
import { bridge, load, payload } from './vectors'

interface Named {
  name: string
}
interface FrameCase extends Named {
  frame: string
  outcome?: string
  message?: unknown
}
interface GuardCase extends Named {
  message: unknown
}
interface ChunkCase extends Named {
  id: number
  offset: number
  window?: number
  bytes: string
  frame: string
}
interface ErrorRow {
  number: number
  code: ErrorCode
  category: string
  retryable: boolean
}

const frames = load<{ to_host: FrameCase[]; from_host: FrameCase[] }>('frames.json')
const guards = { isFromHost, isFromPage, isToPage }
const cases = load<Record<keyof typeof guards, { accept: GuardCase[]; reject: GuardCase[] }>>('guards.json')

describe('frames', () => {
  const sound = frames.to_host.filter((frame) => frame.outcome === 'message')
  test.each(sound)('to the host: $name', ({ frame, message }) => {
    expect(payload(frame)).toBe(JSON.stringify(message))
  })

  test.each(frames.from_host)('from the host: $name', ({ frame, message }) => {
    const parsed: unknown = JSON.parse(payload(frame))
    expect(parsed).toEqual(message)
    expect(isFromHost(parsed)).toBe(true)
  })
})

describe('chunks', () => {
  test.each(load<{ chunks: ChunkCase[] }>('chunks.json').chunks)('$name', ({ id, offset, window, bytes, frame }) => {
    const chunk: unknown = JSON.parse(payload(frame))
    const data = Buffer.from(bytes, 'hex').toString('base64')
    expect(chunk).toEqual({ type: 'STREAM_CHUNK', id, offset, ...(window === undefined ? {} : { window }), data })
    expect(isFromHost(chunk)).toBe(true)
  })
})

describe.each(Object.entries(guards))('%s', (name, guard) => {
  const { accept, reject } = cases[name as keyof typeof guards]
  test.each(accept)('accepts: $name', ({ message }) => {
    expect(guard(bridge(message))).toBe(true)
    expect(guard(structuredClone(bridge(message)))).toBe(true)
  })
  test.each(reject)('refuses: $name', ({ message }) => {
    expect(guard(bridge(message))).toBe(false)
  })
})

test('the error list is the one that only grows', () => {
  const rows = Object.entries(ERRORS).map(([code, row], index) => ({
    number: index + 1,
    code,
    category: row.category,
    retryable: row.retryable
  }))
  expect(rows).toEqual(load<{ errors: ErrorRow[] }>('errors.json').errors)
})
