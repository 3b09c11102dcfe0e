import { expect, test } from 'vitest'
import { StreamError } from '../../src/client/errors'
import { events } from '../../src/client/events'
import { body, cut, failureOf, serve, sse } from './server'

const SSE = { 'content-type': 'text/event-stream' }

test.each<[string, Parameters<typeof serve>[0], object, object]>([
  [
    '404',
    body('{"error":"no such model"}', {}, 404),
    {},
    { code: 'HTTP_STATUS', category: 'SERVER', status: 404, retryable: false, body: '{"error":"no such model"}' }
  ],
  ['500', body('', {}, 500), {}, { code: 'HTTP_STATUS', category: 'SERVER', retryable: true }],
  ['401', body('', {}, 401), {}, { code: 'HTTP_STATUS', category: 'AUTH', status: 401, retryable: false }],
  ['403', body('', {}, 403), {}, { category: 'AUTH' }],
  ['504', body('', {}, 504), {}, { category: 'TIMEOUT', retryable: true }],
  ['429 with seconds', body('', { 'retry-after': '7' }, 429), {}, { category: 'RATE_LIMITED', retryAfter: 7000 }],
  [
    '429 with a date',
    body('', { date: 'Sat, 21 Nov 2026 12:00:00 GMT', 'retry-after': 'Sat, 21 Nov 2026 12:01:00 GMT' }, 429),
    {},
    { category: 'RATE_LIMITED', retryAfter: 60_000 }
  ],
  ['429 with nothing', body('', {}, 429), {}, { category: 'RATE_LIMITED', retryAfter: undefined }],
  [
    '429 with nonsense',
    body('', { 'retry-after': 'soon' }, 429),
    {},
    { category: 'RATE_LIMITED', retryAfter: undefined }
  ],
  ['a wrong content type', body('x', { 'content-type': 'image/png' }), {}, { code: 'CONTENT_TYPE', category: 'PARSE' }],
  ['HTML', body('<html>', { 'content-type': 'text/html' }), {}, { code: 'HTML', category: 'PARSE' }],
  [
    'HTML where an event stream is expected',
    body('<html>', { 'content-type': 'text/html' }),
    { format: 'sse' },
    { code: 'HTML' }
  ],
  ['HTML that is called an event stream', sse('\n<!DOCTYPE html>\n<title>Sign in</title>'), {}, { code: 'HTML' }],
  ['HTML that is called text', body('<html lang=en>', { 'content-type': 'text/plain' }), {}, { code: 'HTML' }],
  [
    'broken JSON in a line',
    body('{"a":1}\n{"a":\n', { 'content-type': 'application/x-ndjson' }),
    {},
    { code: 'BAD_JSON', category: 'PARSE', body: '{"a":' }
  ],
  ['broken JSON in an event', sse('data: {"a":1}\n\ndata: {"a":\n\n'), {}, { code: 'BAD_JSON', category: 'PARSE' }],
  ['broken JSON in the first event', sse('data: {"a":\n\n'), { json: true }, { code: 'BAD_JSON' }],
  [
    'a connection that closes before the first byte',
    cut(),
    {},
    { code: 'FETCH_FAILED', category: 'NETWORK', retryable: true }
  ],
  ['a body that breaks off', cut('data: a\n\n'), {}, { code: 'BODY_FAILED', category: 'NETWORK', retryable: true }]
])('%s', async (_, answer, options, expected) => {
  const { url } = await serve(answer)
  const error = await failureOf(events(new Request(url), options).readToCompletion())
  expect(error).toBeInstanceOf(StreamError)
  expect(error).toMatchObject(expected)
})

test('what came before a failure has been delivered', async () => {
  const { url } = await serve(cut('data: a\n\ndata: b\n\n'))
  const reading = events(await fetch(url))
  await expect(reading.readToCompletion()).rejects.toMatchObject({ code: 'BODY_FAILED' })
  expect(reading.text).toBe('ab')
  expect(reading.status).toMatchObject({ state: 'failed', error: { code: 'BODY_FAILED' } })
})

test('an event that cannot be read may be left out', async () => {
  const { url } = await serve(
    sse('data: {"type":"text","data":"a"}\n\ndata: {"x\n\ndata: {"type":"text","data":"b"}\n\n')
  )
  const bad: StreamError[] = []
  const { text } = await events(fetch(url), { onBadEvent: (error) => bad.push(error) }).readToCompletion()
  expect(text).toBe('ab')
  expect(bad).toMatchObject([{ code: 'BAD_JSON', body: '{"x' }])
})

test('a line of 100 MB ends the request, and the server', async () => {
  const piece = 'x'.repeat(1 << 20)
  let sent = 0
  const server = await serve(async (response) => {
    response.writeHead(200, SSE).write('data: ')
    for (; sent < 100 && !response.destroyed; sent++) {
      if (!response.write(piece)) await Promise.race([new Promise((next) => response.once('drain', next)), server.gone])
    }
  })
  const error = await failureOf(events(await fetch(server.url)).readToCompletion())
  expect(error).toMatchObject({ code: 'TOO_LARGE' })
  await server.gone
  expect(sent).toBeLessThan(60)
})

test('comments without end are signs of life, but no event', async () => {
  const server = await serve(async (response) => {
    response.writeHead(200, SSE)
    const timer = setInterval(() => response.write(': still here\n\n'), 5)
    await server.gone
    clearInterval(timer)
  })
  const heartbeats: string[] = []
  const reading = events(await fetch(server.url), {
    idleTimeout: 2000,
    eventTimeout: 200,
    onHeartbeat: (text) => heartbeats.push(text)
  })
  await expect(reading.readToCompletion()).rejects.toMatchObject({
    code: 'STALLED_EVENTS',
    category: 'TIMEOUT',
    message: 'The server sent nothing but signs of life for 200 ms'
  })
  expect(heartbeats.length).toBeGreaterThan(1)
  expect(heartbeats[0]).toBe('still here')
  expect(reading.eventsReceived).toBe(0)
  await server.gone
})

test('pings do not wind the clock of events; what means something does', async () => {
  const server = await serve(async (response) => {
    response.writeHead(200, SSE)
    for (let i = 0; i < 5; i++) {
      response.write('data: {"type":"text","data":"a"}\n\n')
      await new Promise((next) => setTimeout(next, 120))
    }
    const timer = setInterval(() => response.write('event: ping\ndata: {"type":"ping"}\n\n'), 5)
    await server.gone
    clearInterval(timer)
  })
  const reading = events(await fetch(server.url), { eventTimeout: 400 })
  await expect(reading.readToCompletion()).rejects.toMatchObject({ code: 'STALLED_EVENTS' })
  expect(reading.text).toBe('aaaaa')
})

test('silence after an event is no sign of life', async () => {
  const server = await serve((response) => void response.writeHead(200, SSE).write('data: a\n\n'))
  const reading = events(await fetch(server.url), { eventTimeout: 100 })
  await expect(reading.readToCompletion()).rejects.toMatchObject({
    code: 'STALLED_EVENTS',
    message: 'The server sent nothing for 100 ms'
  })
})

test('silence ends it, and the server', async () => {
  const server = await serve((response) => void response.writeHead(200, SSE).write('data: a\n\n'))
  const reading = events(await fetch(server.url), { idleTimeout: 50 })
  await expect(reading.readToCompletion()).rejects.toMatchObject({ code: 'STALLED', retryable: true })
  await server.gone
})

test('a page that is slow stalls nobody', async () => {
  const { url } = await serve(sse('data: a\n\ndata: b\n\n'))
  const found: unknown[] = []
  for await (const { data } of events(await fetch(url), { idleTimeout: 150, eventTimeout: 150 })) {
    found.push(data)
    await new Promise((next) => setTimeout(next, 200))
  }
  expect(found).toEqual(['a', 'b'])
})

test('leaving the loop, cancelling, and aborting reach the server', async () => {
  const endless = async () => serve((response) => void response.writeHead(200, SSE).write('data: a\n\n'))
  const left = await endless()
  for await (const _ of events(await fetch(left.url))) break
  await left.gone

  const cancelled = await endless()
  const reading = events(new Request(cancelled.url), { onText: () => reading.cancel() })
  expect(await reading.readToCompletion()).toMatchObject({ text: 'a', cancelled: true })
  expect(reading.status).toEqual({ state: 'cancelled' })
  await cancelled.gone

  const aborted = await endless()
  const aborter = new AbortController()
  const why = new Error('the reason')
  const other = events(new Request(aborted.url), { signal: aborter.signal, onText: () => aborter.abort(why) })
  const error = await failureOf(other.readToCompletion())
  expect(error).toMatchObject({ code: 'ABORTED', category: 'CANCELLED', cause: why })
  expect(other.text).toBe('a')
  await aborted.gone

  const streamed = await endless()
  const readable = events(await fetch(streamed.url))
    .toReadableStream()
    .getReader()
  expect((await readable.read()).value).toMatchObject({ data: 'a' })
  await readable.cancel()
  await streamed.gone
})

test('a signal that has fired already keeps the request from being sent', async () => {
  const { url, received } = await serve(sse('data: a\n\n'))
  const reading = events(new Request(url), { signal: AbortSignal.abort('never mind') })
  expect(await failureOf(reading.readToCompletion())).toMatchObject({ code: 'ABORTED', cause: 'never mind' })
  expect(received).toEqual([])
})

test('it is read once, and a used response not at all', async () => {
  const { url } = await serve(sse('data: a\n\n'))
  const response = await fetch(url)
  const reading = events(response)
  expect(reading.isStreaming).toBe(false)
  await reading.readToCompletion()
  expect(() => reading[Symbol.asyncIterator]()).toThrow(TypeError)
  expect(() => events(response)).toThrow(TypeError)
})

test.each<[string, Parameters<typeof serve>[0]]>([
  ['done', sse('data: a\n\ndata: b\n\n')],
  ['failed', cut('data: a\n\ndata: b\n\n')]
])('what waits to be shown is shown before the end is told: %s', async (end, answer) => {
  const { url } = await serve(answer)
  const log: string[] = []
  const reading = events(await fetch(url), {
    batch: 60_000,
    onText: (added) => log.push(added),
    onStatus: ({ state }) => log.push(state)
  })
  await reading.readToCompletion().catch(() => undefined)
  expect(log).toEqual(['connecting', 'open', 'ab', end])
})

test('a body is read no faster than the loop', async () => {
  let pulled = 0
  const source = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        pulled += 1
        controller.enqueue(new TextEncoder().encode(`data: ${pulled}\n\n`))
      }
    },
    { highWaterMark: 0 }
  )
  let seen = 0
  for await (const _ of events(new Response(source, { headers: SSE }))) {
    seen += 1
    expect(pulled).toBe(seen)
    if (seen === 5) break
  }
})

test('text is accumulated at a cost that grows with its length only', async () => {
  const costOf = async (count: number) => {
    const piece = new TextEncoder().encode('data: some words\n\n'.repeat(100))
    let left = count / 100
    const source = new ReadableStream({ pull: (c) => (left-- > 0 ? c.enqueue(piece) : c.close()) })
    const reading = events(new Response(source, { headers: SSE }))
    // This process's work, and not the time in which others had the processor.
    const before = process.cpuUsage()
    let length = 0
    for await (const _ of reading) length = reading.text.length
    expect(length).toBe(10 * count)
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  // The least of three: what a collection of garbage or a cold cache adds is not the cost of the text.
  const least = async (count: number) => Math.min(await costOf(count), await costOf(count), await costOf(count))
  await costOf(10_000)
  const [less, more] = [await least(10_000), await least(80_000)]
  // Eight times as much: 8 if linear, 64 if quadratic.
  expect(more / less).toBeLessThan(24)
}, 60_000)
