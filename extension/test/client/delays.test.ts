// A timer takes a delay of 2^31 ms and more for none: what should wait longest would not wait at all.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Batcher } from '../../src/client/batch'
import { EventSource, type EventSourceOptions } from '../../src/client/event-source'
import type { StreamStatus } from '../../src/client/event-stream'
import { type EventsOptions, events } from '../../src/client/events'
import { checkConnection } from '../../src/client/health-check'
import { type StreamOptions, stream } from '../../src/client/stream'

const LONGEST = 2 ** 31 - 1
const TOO_LONG = [2 ** 31, 2 ** 32, 1e23, Infinity]
const SSE = { 'content-type': 'text/event-stream' }
const URL = 'http://localhost/'

// Node's own timers overflow as those of browsers do; these too, and nobody has to wait for them.
beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test.each(['2147483648', '4294967297', '99999999999999999999999', '9'.repeat(400)])(
  'an EventSource waits as long as there is with retry: %s, and then connects again',
  async (retry) => {
    let connections = 0
    const fetch = async () => {
      connections += 1
      return new Response(`retry: ${retry}\ndata: a\n\n`, { headers: SSE })
    }
    const source = new EventSource(URL, { fetch })
    await vi.advanceTimersByTimeAsync(LONGEST - 1)
    expect(connections).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(connections).toBe(2)
    source.close()
  }
)

test.each(TOO_LONG)('reconnectionTime: %d', async (reconnectionTime) => {
  let connections = 0
  const fetch = async () => {
    connections += 1
    throw new TypeError('no network')
  }
  const source = new EventSource(URL, { fetch, reconnectionTime })
  await vi.advanceTimersByTimeAsync(LONGEST - 1)
  expect(connections).toBe(1)
  source.close()
})

test.each([NaN, -1, 'soon'])('a reconnectionTime of %s is none', (reconnectionTime) => {
  const options = { reconnectionTime, fetch: async () => new Response() } as EventSourceOptions
  expect(() => new EventSource(URL, options)).toThrow('`reconnectionTime` cannot be')
})

test.each<[string, () => Response, StreamOptions]>([
  ['retry:', () => new Response('retry: 2147483648\n\n', { headers: SSE }), { endEvent: true }],
  [
    'Retry-After',
    () => new Response('', { status: 503, headers: { 'retry-after': '2147484' } }),
    { retry: { maxRetryAfter: Infinity } }
  ],
  ['a delay', () => new Response('', { status: 503 }), { retry: { delay: 2 ** 31, maxDelay: 2 ** 31 } }],
  ['a delay that grew', () => new Response('', { status: 503 }), { retry: { delay: 2 ** 31, maxDelay: Infinity } }]
])('before the next request, what is waited is what is said: %s', async (_, answer, options) => {
  const waits: StreamStatus[] = []
  let requests = 0
  const fetch = async () => {
    requests += 1
    return answer()
  }
  const onStatus = (status: StreamStatus) => {
    if (status.state === 'waiting') waits.push(status)
  }
  const { retry } = options
  const reading = stream(URL, {}, { fetch, onStatus, ...options, retry: { jitter: 0, ...(retry || {}) } })
  const over = reading.readToCompletion()
  await vi.advanceTimersByTimeAsync(LONGEST - 1)
  expect(requests).toBe(1)
  expect(waits).toMatchObject([{ delay: LONGEST }])
  reading.cancel()
  await over
})

test.each<[string, EventsOptions & StreamOptions]>([
  ['idleTimeout', { idleTimeout: 2 ** 31 }],
  ['eventTimeout', { eventTimeout: 2 ** 31 }],
  ['headerTimeout', { headerTimeout: 2 ** 31 }],
  ['totalTimeout', { totalTimeout: 2 ** 31 }],
  ['totalTimeout without end', { totalTimeout: Infinity }]
])('%s', async (name, options) => {
  const silent = new Response(new ReadableStream(), { headers: SSE })
  const never = new Promise<Response>(() => undefined)
  const fetch = () => (name === 'headerTimeout' ? never : Promise.resolve(silent))
  const reading = stream(URL, {}, { fetch, retry: false, ...options })
  const over = reading.readToCompletion()
  await vi.advanceTimersByTimeAsync(LONGEST - 1)
  expect(reading.isStreaming).toBe(true)
  reading.cancel()
  expect(await over).toMatchObject({ cancelled: true })
})

test('batch', async () => {
  let given = 0
  const batcher = new Batcher<string>(2 ** 31, () => {
    given += 1
  })
  batcher.add('a')
  await vi.advanceTimersByTimeAsync(LONGEST - 1)
  expect(given).toBe(0)
  batcher.flush()

  let shown = 0
  const body = new ReadableStream<Uint8Array>({ start: (c) => c.enqueue(new TextEncoder().encode('data: a\n\n')) })
  const reading = events(new Response(body, { headers: SSE }), { batch: 2 ** 31, onText: () => (shown += 1) })
  const over = reading.readToCompletion()
  await vi.advanceTimersByTimeAsync(LONGEST - 1)
  expect(shown).toBe(0)
  reading.cancel()
  await over
})

test('the timeout of checkConnection', async () => {
  let over = false
  const aborter = new AbortController()
  const fetch = () => new Promise<Response>(() => undefined)
  const report = checkConnection(URL, { fetch, timeout: 2 ** 31, signal: aborter.signal }).finally(() => {
    over = true
  })
  await vi.advanceTimersByTimeAsync(LONGEST - 1)
  expect(over).toBe(false)
  aborter.abort()
  await report
})
