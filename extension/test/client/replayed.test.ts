// A recorded stream as a Response: the same bytes at the same times, and the same failure.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { replay } from '../../src/client/replayed'
import { stream } from '../../src/client/stream'
import { HOSTILE } from '../recording/hostile'

const HEAD = { longwire_recording: 1, made_by: 'test', made_at: '2026-12-01T00:00:00Z' }
const file = (...lines: object[]) => [HEAD, ...lines].map((line) => JSON.stringify(line)).join('\n')
const request = (number = 1) => ({ type: 'request', stream: number, t: 0, url: 'https://a.example/' })
const response = {
  type: 'response',
  stream: 1,
  t: 100,
  status: 201,
  reason: 'Made',
  headers: [['content-type', 'text/event-stream']]
}
const piece = (t: number, text: string) => ({ type: 'piece', stream: 1, t, way: 'down', text })
const end = (t: number, how: object = { how: 'whole' }) => ({ type: 'end', stream: 1, t, ...how })

const WHOLE = file(
  request(),
  { ...piece(0, 'up'), way: 'up' },
  response,
  piece(150, 'data: 1\n\n'),
  { type: 'piece', stream: 1, t: 250, way: 'down', base64: 'ZGF0YTogMgoK' },
  end(300)
)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Each piece of a response with when it came. */
async function timed(response: Promise<Response>): Promise<[number, string][]> {
  const began = performance.now()
  const now = () => Math.round(performance.now() - began)
  const pieces: [number, string][] = []
  const { body } = await response
  pieces.push([now(), 'head'])
  for await (const bytes of body ?? []) pieces.push([now(), new TextDecoder().decode(bytes)])
  return [...pieces, [now(), 'end']]
}

test.each([
  [1, [100, 150, 250, 300]],
  [2, [50, 75, 125, 150]],
  [0.5, [200, 300, 500, 600]],
  [Infinity, [0, 0, 0, 0]]
])('at %d times the speed', async (speed, times) => {
  const got = timed(replay(WHOLE, { speed }))
  await vi.advanceTimersByTimeAsync(1000)
  expect(await got).toEqual(['head', 'data: 1\n\n', 'data: 2\n\n', 'end'].map((what, n) => [times[n], what]))
})

test('it is a response as any other', async () => {
  vi.useRealTimers()
  const response = await replay(new Blob([WHOLE]), { speed: Infinity })
  expect([response.status, response.statusText, response.headers.get('content-type')]).toEqual([
    201,
    'Made',
    'text/event-stream'
  ])
  expect(await response.text()).toBe('data: 1\n\ndata: 2\n\n')
})

test('what failed fails alike, and what was open is cut off', async () => {
  for (const [last, code] of [
    [end(300, { how: 'error', code: 'UPSTREAM_RESET', message: 'It broke.' }), 'UPSTREAM_RESET'],
    [end(300, { how: 'stopped', reason: 'signal' }), 'BODY_FAILED'],
    [{ ...piece(300, '') }, 'BODY_FAILED']
  ] as const) {
    const failed = timed(replay(file(request(), response, piece(150, 'a'), last))).catch((error) => error)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await failed).toMatchObject({ name: 'StreamError', code })
  }
  const refused = replay(file(request(), end(70, { how: 'error', code: 'UPSTREAM_DNS', message: 'x' }))).catch((e) => e)
  await vi.advanceTimersByTimeAsync(100)
  expect(await refused).toMatchObject({ code: 'UPSTREAM_DNS' })
})

test('an abort ends it with its reason, before the headers and after', async () => {
  for (const after of [50, 120]) {
    const aborting = new AbortController()
    const failed = timed(replay(WHOLE, { signal: aborting.signal })).catch((error) => error)
    await vi.advanceTimersByTimeAsync(after)
    aborting.abort('enough')
    await vi.advanceTimersByTimeAsync(0)
    expect(await failed).toBe('enough')
  }
})

test.each(['', 'words', '{"longwire_recording":2}', file(), file({ ...piece(1, 'a'), type: 'message' })])(
  'what is none, is refused: %s',
  async (text) => {
    await expect(replay(text)).rejects.toThrow()
  }
)

test('another stream is had by its number', async () => {
  const both = file(
    request(7),
    ...WHOLE.split('\n')
      .slice(1)
      .map((line) => JSON.parse(line) as object)
  )
  await expect(replay(both, { stream: 3 })).rejects.toThrow(TypeError)
  const made = replay(both, { stream: 1, speed: Infinity })
  await vi.advanceTimersByTimeAsync(1)
  expect((await made).status).toBe(201)
})

test('the library reads it as what it was', async () => {
  vi.useRealTimers()
  const chat = (text: string) => `data: {"choices":[{"delta":{"content":"${text}"}}]}\n\n`
  const recorded = file(
    request(),
    { ...response, status: 200 },
    piece(100, chat('Hel')),
    piece(101, chat('lo')),
    piece(101, 'data: [DONE]\n\n'),
    end(102)
  )
  const reading = stream('https://a.example/', {}, { fetch: () => replay(recorded, { speed: 10 }) })
  expect((await reading.readToCompletion()).text).toBe('Hello')
})

test.each(HOSTILE.filter(([, , replayed]) => replayed))('hostile: %s', async (_, text) => {
  vi.useRealTimers()
  const read = async () => (await replay(text, { speed: Infinity })).arrayBuffer()
  await expect(read()).rejects.toThrow(TypeError)
  await expect(read()).rejects.toThrow('no recording of Longwire')
})

test.each(HOSTILE.filter(([, , replayed]) => !replayed))('hostile, but not to who replays it: %s', async (_, text) => {
  vi.useRealTimers()
  const read = async () => (await replay(text, { speed: Infinity })).arrayBuffer()
  const outcome = await read().then(
    () => 'read',
    (error: Error) => error.name
  )
  expect(['read', 'TypeError', 'StreamError']).toContain(outcome)
})
