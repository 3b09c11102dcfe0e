import { expect, test, vi } from 'vitest'
import type { StreamStatus } from '../../src/client/event-stream'
import { type StreamOptions, stream } from '../../src/client/stream'
import { storedToken } from '../../src/client/token'
import { type Answer, body, cut, failureOf, inTurn, serve, sse } from './server'

const QUICK = { delay: 1, jitter: 0 }
const GET = {}
const POST = { method: 'POST', body: '{}' }
const text = (...pieces: string[]) =>
  pieces.map((data) => `data: ${JSON.stringify({ type: 'text', data })}\n\n`).join('')
const numbered = (from: number, ...pieces: string[]) =>
  pieces.map((data, i) => `id: ${from + i}\ndata: ${data}\n\n`).join('')
const refused = (status: number, headers: Record<string, string> = {}): Answer => body('busy', headers, status)

/** What happens to a request with these answers, the last for all that come later. */
async function run(init: object, options: StreamOptions, ...answers: Answer[]) {
  const server = await serve(inTurn(...answers))
  const statuses: StreamStatus[] = []
  const shown: string[] = []
  const reading = stream(server.url, init, {
    retry: QUICK,
    onStatus: (status) => statuses.push(status),
    onText: (added) => shown.push(added),
    ...options
  })
  const outcome = await reading.readToCompletion().catch((error: unknown) => error)
  const states = statuses.map(({ state }) => state)
  return { server, statuses, states, shown, reading, outcome, requests: server.received.length }
}

test('a POST with a JSON body, headers, and a token', async () => {
  const server = await serve(sse(`${text('a', 'b')}data: [DONE]\n\n`))
  const options = { body: { prompt: 'x' }, token: async () => 'secret' }
  const reading = stream(server.url, { headers: { 'X-Own': '1' } }, options)
  expect(server.received).toHaveLength(0)
  expect(await reading.readToCompletion()).toMatchObject({ text: 'ab', cancelled: false })
  expect(server.received).toMatchObject([
    {
      method: 'POST',
      body: '{"prompt":"x"}',
      headers: { 'content-type': 'application/json', authorization: 'Bearer secret', 'x-own': '1' }
    }
  ])
  expect(server.received[0]?.headers.accept).toMatch(/^text\/event-stream,/)
  expect(reading).toMatchObject({ eventsReceived: 3, isStreaming: false, status: { state: 'done' } })
})

test('without a token nothing is sent', async () => {
  const { outcome, requests } = await run(GET, { token: storedToken('key', { getItem: () => null }) }, sse(''))
  expect(outcome).toMatchObject({ code: 'NOT_AUTHENTICATED', category: 'AUTH' })
  expect(requests).toBe(0)
})

test('each delay and its reason are reported before it is waited for', async () => {
  const answers = [refused(503), refused(429, { 'retry-after-ms': '3' }), cut(), sse(text('a'))]
  const { statuses, outcome, states } = await run(GET, { retry: { delay: 2, jitter: 0 } }, ...answers)
  expect(outcome).toMatchObject({ text: 'a' })
  const again = ['waiting', 'connecting']
  expect(states).toEqual([...['connecting', 'open', ...again, 'open', ...again, ...again, 'open', 'done']])
  expect(statuses.filter(({ state }) => state === 'waiting')).toMatchObject([
    { attempt: 2, delay: 2, reason: { code: 'HTTP_STATUS', status: 503 } },
    { attempt: 3, delay: 3, reason: { category: 'RATE_LIMITED', retryAfter: 3 } },
    { attempt: 4, delay: 8, reason: { code: 'FETCH_FAILED' } }
  ])
})

test('a page can count down to the next attempt', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    vi.setSystemTime(1_000_000)
    const { statuses } = await run(GET, { retry: { delay: 5, jitter: 0 } }, refused(503), sse(text('a')))
    expect(statuses.find(({ state }) => state === 'waiting')).toMatchObject({ delay: 5, until: 1_000_005 })
  } finally {
    vi.useRealTimers()
  }
})

test('when no attempt is left, the last reason is the cause', async () => {
  const { outcome, requests } = await run(GET, { retry: { ...QUICK, retries: 2 } }, refused(503))
  expect(outcome).toMatchObject({
    category: 'MAX_RETRIES_EXCEEDED',
    status: 503,
    body: 'busy',
    cause: { code: 'HTTP_STATUS', status: 503 }
  })
  expect(requests).toBe(3)
})

test('a Retry-After that is too long is left to the caller', async () => {
  const { outcome, requests } = await run(GET, {}, refused(429, { 'retry-after': '3600' }))
  expect(outcome).toMatchObject({ category: 'RATE_LIMITED', retryAfter: 3_600_000 })
  expect(requests).toBe(1)
})

test.each<[string, object, StreamOptions, Answer[], number, string]>([
  ['a POST that was refused is sent again', POST, {}, [refused(429, { 'retry-after': '0' }), sse(text('a'))], 2, 'a'],
  ['a POST whose connection broke before an answer is not', POST, {}, [cut(), sse(text('a'))], 1, ''],
  ['unless the caller says so', POST, { retry: { ...QUICK, resend: 'unanswered' } }, [cut(), sse(text('a'))], 2, 'a'],
  ['a POST that was answered in part is not', POST, {}, [cut(text('a')), sse(text('a', 'b'))], 1, 'a'],
  ['not even then', POST, { retry: { ...QUICK, resend: 'unanswered' } }, [cut(text('a')), sse(text('a', 'b'))], 1, 'a'],
  [
    'a POST with an idempotency key is',
    { ...POST, headers: { 'Idempotency-Key': '1' } },
    {},
    [cut(text('a')), sse(text('a', 'b'))],
    2,
    'ab'
  ],
  ['a GET is', GET, {}, [cut(text('a')), sse(text('a', 'b'))], 2, 'ab'],
  ['a 502 to a POST is final', POST, {}, [refused(502), sse(text('a'))], 1, ''],
  ['a 502 to a GET is not', GET, {}, [refused(502), sse(text('a'))], 2, 'a'],
  ['one attempt if that is asked for', GET, { retry: false }, [refused(503), sse(text('a'))], 1, '']
])('%s', async (_, init, options, answers, requests, shown) => {
  const done = await run(init, options, ...answers)
  expect(done.requests).toBe(requests)
  expect(done.reading.text).toBe(shown)
  expect(done.shown.join('')).toBe(shown)
})

test('a body that can be sent once is sent once', async () => {
  const once = new Blob(['x']).stream()
  const init = { method: 'PUT', body: once }
  const { requests, server, outcome } = await run(init, {}, refused(503), sse(text('a')))
  expect(requests).toBe(1)
  expect(server.received[0]?.body).toBe('x')
  expect(outcome).toMatchObject({ code: 'HTTP_STATUS' })
})

test.each<[string, (bytes: Uint8Array<ArrayBuffer>) => BodyInit]>([
  ['buffer', (bytes) => bytes.buffer],
  ['view', (bytes) => bytes.subarray(1, 3)],
  ['DataView', (bytes) => new DataView(bytes.buffer, 1, 2)]
])('a %s that is written into, and detached, after the call is sent as it was, in every attempt', async (_, body) => {
  const server = await serve(inTurn(refused(503), sse(text('a'))))
  const bytes = new TextEncoder().encode('body')
  const given = body(bytes)
  const size = (given as ArrayBuffer).byteLength
  const reading = stream(server.url, { method: 'POST', body: given }, { retry: QUICK })
  bytes.fill(120)
  structuredClone(null, { transfer: [bytes.buffer] })
  await reading.readToCompletion()
  const sent = size === 4 ? 'body' : 'od'
  expect(server.received.map((request) => request.body)).toEqual([sent, sent])
})

test('the body of a Request is kept for the next attempt', async () => {
  const server = await serve(inTurn(refused(503), sse(text('a'))))
  const request = new Request(server.url, { method: 'POST', body: 'x', headers: { 'x-own': '1' } })
  expect(await stream(request, {}, { retry: QUICK }).readToCompletion()).toMatchObject({ text: 'a' })
  const sent = { method: 'POST', body: 'x', headers: { 'x-own': '1', 'content-type': 'text/plain;charset=UTF-8' } }
  expect(server.received).toMatchObject([sent, sent])
})

test('a repeated answer is delivered from where it goes on', async () => {
  const whole = text('one ', 'two ', 'three')
  const answers = [cut(text('one ')), cut(text('one ', 'two ')), sse(whole)]
  const { shown, reading } = await run(GET, {}, ...answers)
  expect(shown).toEqual(['one ', 'two ', 'three'])
  expect(reading.text).toBe('one two three')
})

test('pings between do not make another answer of it', async () => {
  const ping = 'event: ping\ndata: {"type":"ping"}\n\n'
  const { shown } = await run(GET, {}, cut(ping + text('a')), sse(text('a') + ping + text('b')))
  expect(shown).toEqual(['a', 'b'])
})

test('plain text that is cut elsewhere the second time is not repeated', async () => {
  const plain = { 'content-type': 'text/plain' }
  const broken: Answer = (response) => {
    response.writeHead(200, { ...plain, 'content-length': '99' })
    response.write('Hello, wo', () => setImmediate(() => response.socket?.end()))
  }
  const { reading, shown } = await run(GET, {}, broken, body('Hello, world', plain))
  expect(reading.text).toBe('Hello, world')
  expect(shown.join('')).toBe('Hello, world')
})

test.each([
  ['another beginning', text('x', 'b')],
  ['less than before', text('a')]
])('another answer than was shown ends the stream: %s', async (_, second) => {
  const { outcome, reading } = await run(GET, {}, cut(text('a', 'c')), sse(second))
  expect(outcome).toMatchObject({ code: 'REPLAY_DIFFERS', category: 'SERVER' })
  expect(reading.text).toBe('ac')
})

test('a page that can begin anew is told to', async () => {
  const reasons: unknown[] = []
  const onRestart = (reason: unknown) => reasons.push(reason)
  const { reading, shown } = await run(GET, { onRestart }, cut(text('a', 'c')), sse(text('x')))
  expect(reasons).toMatchObject([{ code: 'BODY_FAILED' }])
  expect(reading.text).toBe('x')
  expect(shown).toEqual(['a', 'c', 'x'])
})

test('a feed goes on behind the last event, as long as there is progress', async () => {
  const answers = [1, 2, 3, 4, 5].map((id) => cut(numbered(id, `${id}`)))
  const { server, reading, requests } = await run(
    POST,
    { resume: true, endEvent: true, retry: { ...QUICK, retries: 1 } },
    ...answers,
    sse(`${numbered(6, '6')}data: [DONE]\n\n`)
  )
  expect(reading.text).toBe('123456')
  expect(requests).toBe(6)
  expect(server.received.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '2', '3', '4', '5'])
})

test('what followed the last id is not shown again', async () => {
  const answers = [cut('id: 1\ndata: a\n\ndata: b\n\n'), sse('data: b\n\ndata: c\n\n')]
  expect((await run(GET, { resume: true }, ...answers)).reading.text).toBe('abc')
})

test.each<[string, string, string[], string]>([
  ['an id alone, before the break, is behind what came before it', 'data: b\n\nid: 2\n\n', ['c'], 'abc'],
  ['even where the next event looks like the last', 'data: b\n\nid: 2\n\n', ['b', 'c'], 'abbc'],
  ['an event after an id alone comes again', 'id: 2\n\ndata: b\n\n', ['b', 'c'], 'abc'],
  ['an event that repeats the id before it does not', 'id: 1\ndata: b\n\n', ['c'], 'abc'],
  ['nor does the second of two ids alone', 'data: b\n\nid: 2\n\nid: 3\n\n', ['c'], 'abc'],
  ['an id that no blank line ended is none', 'data: b\n\nid: 2\n', ['b', 'c'], 'abc']
])('resuming: %s', async (_, then, rest, shown) => {
  const first = `id: 1\ndata: a\n\n${then}`
  const answers = [cut(first), sse(rest.map((data) => `data: ${data}\n\n`).join(''))]
  const { reading, server, outcome } = await run(GET, { resume: true }, ...answers)
  expect(outcome).toMatchObject({ text: shown })
  expect(reading.text).toBe(shown)
  // What counts is what a blank line ended.
  const [last] = [...first.matchAll(/id: (\d)(?=\n(?:data: .\n)?\n)/g)].slice(-1)
  expect(server.received[1]?.headers['last-event-id']).toBe(last?.[1])
})

test('resuming goes on from the same place when the repetition breaks too', async () => {
  const answers = [
    cut('id: 1\ndata: a\n\ndata: b\n\ndata: c\n\n'),
    cut('id: 2\ndata: b\n\n'),
    sse('id: 2\ndata: b\n\nid: 3\ndata: c\n\nid: 4\ndata: d\n\n')
  ]
  const { reading, server } = await run(GET, { resume: true }, ...answers)
  expect(reading.text).toBe('abcd')
  expect(reading.lastEventId).toBe('4')
  expect(server.received.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '1'])
})

test('a server that takes its ids back is not asked again from a beginning that nobody remembers', async () => {
  const answers = [cut('id: 1\ndata: a\n\nid\ndata: b\n\n'), sse('data: a\n\ndata: b\n\ndata: c\n\n')]
  const { outcome, requests, reading } = await run(GET, { resume: true }, ...answers)
  expect(outcome).toMatchObject({ code: 'BODY_FAILED' })
  expect([requests, reading.text]).toEqual([1, 'ab'])
  const again = await run(GET, { resume: true, onRestart: () => undefined }, ...answers)
  expect([again.requests, again.reading.text]).toEqual([2, 'abc'])
})

test('who stops with an event goes on behind that event, whatever came in the same piece', async () => {
  const server = await serve(sse(numbered(1, 'a', 'b', 'c')))
  const reading = stream(server.url)
  for await (const { data } of reading) if (data === 'b') break
  expect(reading.lastEventId).toBe('2')
})

test('a fetch that does not listen to its signal, and answers too late, is not left open', async () => {
  let answer: (response: Response) => void = () => undefined
  const late = new Promise<Response>((resolve) => {
    answer = resolve
  })
  const deaf = { fetch: () => late, headerTimeout: 1, retry: false } as const
  expect(await failureOf(stream('http://localhost/', GET, deaf).readToCompletion())).toMatchObject({
    code: 'HEADERS_TIMEOUT'
  })
  const cancelled = new Promise((resolve) => {
    answer(new Response(new ReadableStream({ cancel: resolve })))
  })
  await cancelled
})

test('an answer that just ends is whole, or is not, as the caller says', async () => {
  expect((await run(GET, {}, sse(text('a')))).outcome).toMatchObject({ text: 'a' })
  const { outcome } = await run(GET, { endEvent: true, retry: false }, sse(text('a')))
  expect(outcome).toMatchObject({ code: 'ENDED_EARLY', retryable: true })
})

test('a whole answer is whole, however its connection ends', async () => {
  const whole = `${text('a')}data: [DONE]\n\n`
  expect((await run(GET, { retry: false }, cut(whole))).outcome).toMatchObject({ text: 'a' })
  const open: Answer = (response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(whole)
  const { outcome, server } = await run(GET, { retry: false }, open)
  expect(outcome).toMatchObject({ text: 'a' })
  await server.gone
})

test('an error in mid-stream is an event, and the end', async () => {
  const answer = sse(`${text('a')}event: error\ndata: {"error":{"message":"overloaded"}}\n\n`)
  const { outcome, requests, reading } = await run(GET, {}, answer)
  expect(outcome).toMatchObject({ code: 'ERROR_EVENT', category: 'SERVER' })
  expect((outcome as Error).message).toContain('overloaded')
  expect(requests).toBe(1)
  expect(reading.text).toBe('a')
})

test('headers that are late, and a whole that is, are given up', async () => {
  const silent: Answer = () => undefined
  const late = await run(GET, { headerTimeout: 20, retry: { ...QUICK, retries: 1 } }, silent)
  expect(late.outcome).toMatchObject({ category: 'MAX_RETRIES_EXCEEDED', cause: { code: 'HEADERS_TIMEOUT' } })
  await late.server.gone
  const total = await run(GET, { totalTimeout: 30 }, silent)
  expect(total.outcome).toMatchObject({ code: 'TOTAL_TIMEOUT', category: 'TIMEOUT' })
})

test('a request that is late is ended before the next is sent', async () => {
  let left = () => {}
  const first = new Promise<void>((resolve) => {
    left = resolve
  })
  const silent: Answer = (response) => void response.on('close', left)
  const second: Answer = async (response, request, turn) => {
    await first
    await sse(text('a'))(response, request, turn)
  }
  const { reading } = await run(GET, { headerTimeout: 300 }, silent, second)
  expect(reading.text).toBe('a')
})

test('an abort that the fetch makes by itself is final', async () => {
  let calls = 0
  const fetch = async () => {
    calls += 1
    throw new DOMException('stopped elsewhere', 'AbortError')
  }
  const error = await failureOf(stream('http://localhost/', GET, { fetch, retry: QUICK }).readToCompletion())
  expect(error).toMatchObject({ code: 'ABORTED', category: 'CANCELLED' })
  expect(calls).toBe(1)
})

test('a function of the caller that throws ends it with what it threw', async () => {
  const why = new Error('in the page')
  const onText = () => {
    throw why
  }
  const { outcome, requests } = await run(GET, { onText }, sse(text('a')))
  expect(outcome).toBe(why)
  expect(requests).toBe(1)
})

test('a stall in the stream is mended as a broken connection is', async () => {
  const stalls: Answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(text('a'))
  }
  const { reading, statuses } = await run(GET, { idleTimeout: 200 }, stalls, sse(text('a', 'b')))
  expect(reading.text).toBe('ab')
  expect(statuses.find(({ state }) => state === 'waiting')).toMatchObject({ reason: { code: 'STALLED' } })
})

test('stop keeps what has come, and stops a wait too', async () => {
  const open: Answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(text('part'))
  }
  const server = await serve(open)
  const reading = stream(server.url, GET, { onText: () => reading.cancel() })
  expect(await reading.readToCompletion()).toMatchObject({ text: 'part', cancelled: true })
  await server.gone

  const busy = await serve(refused(503))
  const waiting = stream(busy.url, GET, {
    retry: { delay: 60_000 },
    onStatus: ({ state }) => state === 'waiting' && waiting.cancel()
  })
  expect(await waiting.readToCompletion()).toMatchObject({ cancelled: true })
  expect(busy.received).toHaveLength(1)

  const never = stream(busy.url)
  never.cancel()
  expect(never.status).toEqual({ state: 'cancelled' })
  expect(await never.readToCompletion()).toMatchObject({ cancelled: true })
  expect(busy.received).toHaveLength(1)
})

test('an abort of the signal fails it with the reason, in every phase', async () => {
  const why = new Error('the reason')
  for (const phase of ['before', 'headers', 'body', 'waiting']) {
    const answers: Record<string, Answer> = {
      headers: () => aborter.abort(why),
      body: (response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).write(text('a')),
      waiting: refused(503)
    }
    const aborter = new AbortController()
    const server = await serve(answers[phase] ?? sse(''))
    if (phase === 'before') aborter.abort(why)
    const reading = stream(
      server.url,
      { signal: aborter.signal },
      {
        retry: { delay: 60_000 },
        onText: () => aborter.abort(why),
        onStatus: ({ state }) => state === 'waiting' && aborter.abort(why)
      }
    )
    expect(await failureOf(reading.readToCompletion())).toMatchObject({ code: 'ABORTED', cause: why })
    expect(server.received).toHaveLength(phase === 'before' ? 0 : 1)
  }
})

test('the fall-back brings the answer in one piece, or not at all', async () => {
  const fallback = (url: string) => () => fetch(url)
  const whole = await serve(
    body('{"choices":[{"message":{"content":"whole"}}]}', { 'content-type': 'application/json' })
  )
  const { outcome, states } = await run(
    GET,
    { fallback: fallback(whole.url), retry: { ...QUICK, retries: 1 } },
    refused(503)
  )
  expect(outcome).toMatchObject({ text: 'whole' })
  expect(states).toContain('falling-back')

  const broken = await serve(cut(text('half')))
  const failed = await run(GET, { fallback: fallback(broken.url), retry: false }, refused(503))
  expect(failed.outcome).toMatchObject({ code: 'BODY_FAILED' })
  expect(failed.reading.text).toBe('')

  const shown = await run(POST, { fallback: fallback(whole.url) }, cut(text('a')))
  expect(shown.outcome).toMatchObject({ code: 'BODY_FAILED' })
  expect(whole.received).toHaveLength(1)
})

test.each<[string, () => unknown]>([
  ['not a URL', () => stream('http://')],
  ['a header name that is none', () => stream('http://localhost/', { headers: { 'a b': '' } })],
  ['a header value that is none', () => stream('http://localhost/', { headers: { a: 'b\nc' } })],
  ['a method that is none', () => stream('http://localhost/', { method: 'a b' })],
  ['a GET with a body', () => stream('http://localhost/', { method: 'GET', body: 'x' })],
  ['two bodies', () => stream('http://localhost/', { body: 'x' }, { body: {} })],
  ['an option that is none', () => stream('http://localhost/', {}, { retry: { attempts: 3 } as never })],
  [
    'a used Request',
    () => {
      const request = new Request('http://localhost/', { method: 'POST', body: 'x' })
      void request.text()
      return stream(request)
    }
  ]
])('misuse is a TypeError, at once: %s', (_, misuse) => {
  expect(misuse).toThrow(TypeError)
})

test('a record of it can be exported, and holds no more than it may', async () => {
  const { reading } = await run(GET, { record: true }, refused(503), sse(text('a')))
  const { startedAt, entries, dropped } = JSON.parse(JSON.stringify(reading.recording))
  expect(new Date(startedAt).getTime()).toBeGreaterThan(0)
  expect(dropped).toBe(0)
  expect(entries.map(({ kind }: { kind: string }) => kind)).toEqual([
    'status',
    'status',
    'status',
    'status',
    'status',
    'bytes',
    'event',
    'status'
  ])
  expect(entries[2].detail).toMatchObject({ state: 'waiting', error: { code: 'HTTP_STATUS', status: 503 } })
  expect(entries[6].detail).toMatchObject({ type: 'text', raw: '{"type":"text","data":"a"}' })
  expect(entries.every(({ at }: { at: number }, i: number) => i === 0 || at >= entries[i - 1].at)).toBe(true)

  const small = await run(GET, { record: 3 }, sse(text('a', 'b', 'c')))
  const kept = JSON.parse(JSON.stringify(small.reading.recording))
  expect(kept.entries.map(({ detail }: { detail: { raw?: string } }) => detail.raw?.at(-3))).toEqual([
    'b',
    'c',
    undefined
  ])
  expect(kept.dropped).toBe(4)
})

test('progress: bytes, events, times, and what is left of a known length', async () => {
  const seen: object[] = []
  const whole = text('a', 'b')
  const answer = sse(whole, { 'content-length': `${whole.length}` })
  const { reading } = await run(GET, { onProgress: (progress) => seen.push(progress) }, answer)
  expect(seen.at(-1)).toMatchObject({
    bytesReceived: whole.length,
    eventsReceived: 2,
    total: whole.length,
    remaining: 0
  })
  const { elapsed, timeToHeaders, timeToFirstContent } = reading.progress
  expect(timeToHeaders).toBeLessThanOrEqual(timeToFirstContent as number)
  expect(timeToFirstContent).toBeLessThanOrEqual(elapsed)
})
