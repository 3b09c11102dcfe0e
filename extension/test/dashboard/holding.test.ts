// Who holds a stream back, from offsets and times alone.

import { describe, expect, test } from 'vitest'
import { HOST_SILENCE_MS, holderOf } from '../../src/dashboard/holding'
import { done, record, START } from './samples'

/** Seconds after the beginning, with a host that spoke a moment ago. */
const at = (seconds: number, told: ReturnType<typeof record>, starts = false, silence = 0) =>
  holderOf(told, START + 1000 * seconds, { starts, heardAt: START + 1000 * seconds - silence })?.who ?? null

describe('the upstream', () => {
  test('is waited for until it has answered with headers', () => {
    const waiting = record({ state: 'connecting', status: 0, headersAt: null })
    expect(at(1, waiting)).toBe('upstream')
    expect(at(1, { ...waiting, kind: 'websocket', bodySent: false })).toBe('upstream')
  })
  test('is waited for where credit is left and nothing comes', () => {
    expect(at(5, record({ received: 10_000, consumed: 10_000, lastByteAt: 4_000 }))).toBe('upstream')
    expect(at(5, record({ received: 10_000, consumed: 0, lastByteAt: 4_000 }))).toBe('upstream')
  })
  test('is waited for where it does not take the body', () => {
    const sending = record({ state: 'connecting', headersAt: null, bodySent: false, sent: 70_000, taken: 50_000 })
    expect(at(1, sending)).toBe('upstream')
  })
})

describe('the page', () => {
  test('is waited for where it has used up its credit', () => {
    expect(at(5, record({ received: 32_768, consumed: 0, lastByteAt: 4_000 }))).toBe('page')
    // It acknowledges by quarters, and the last chunk need not fill the window.
    expect(at(5, record({ received: 25_000, consumed: 0, lastByteAt: 4_000 }))).toBe('page')
    expect(at(5, record({ received: 25_000, consumed: 0, window: 4_194_304, lastByteAt: 4_000 }))).toBe('upstream')
  })
  test('is waited for where it has more to send and sends nothing', () => {
    const sending = record({ state: 'connecting', headersAt: null, bodySent: false, sent: 50_000, taken: 50_000 })
    expect(at(1, sending)).toBe('page')
  })
})

describe('the host', () => {
  test('is waited for while it starts', () => {
    expect(at(0, record({ state: 'connecting', headersAt: null }), true)).toBe('host')
  })
  test('is waited for where it is silent for longer than it may be', () => {
    const quiet = record({ lastByteAt: 20 })
    expect(at(60, quiet, false, HOST_SILENCE_MS)).toBe('upstream')
    expect(at(60, quiet, false, HOST_SILENCE_MS + 1)).toBe('host')
    // A stream that just began is no older than that.
    expect(at(1, quiet, false, HOST_SILENCE_MS + 1)).toBe('upstream')
  })
})

test('nobody is waited for where it flows, or is over', () => {
  expect(at(5, record({ received: 32_768, lastByteAt: 4_800 }))).toBeNull()
  expect(at(5, done({ received: 32_768, lastByteAt: 10 }))).toBeNull()
  expect(at(5, record({ state: 'ending' }))).toBeNull()
})
