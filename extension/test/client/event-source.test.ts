import { expect, test, vi } from 'vitest'
import { EventSource, type EventSourceErrorEvent, type EventSourceOptions } from '../../src/client/event-source'
import { type Answer, body, cut, inTurn, serve, sse } from './server'

const QUICK = { reconnectionTime: 1 }
const GONE: Answer = body('', {}, 204)

/** What an EventSource does until it is closed, by itself or by `until`. */
function watch(url: string, options: EventSourceOptions = QUICK, until = (_seen: string[]) => false) {
  const source = new EventSource(url, options)
  const seen: string[] = []
  const errors: EventSourceErrorEvent[] = []
  const over = new Promise<void>((resolve) => {
    const note = (what: string) => {
      seen.push(`${what} ${source.readyState}`)
      if (until(seen)) source.close()
      if (source.readyState === EventSource.CLOSED) resolve()
    }
    source.onopen = () => note('open')
    source.onmessage = ({ data, lastEventId }) => note(`${data}#${lastEventId}`)
    source.onerror = (event) => {
      errors.push(event)
      note('error')
    }
  })
  return { source, seen, errors, over }
}

test('it opens, delivers, reconnects with Last-Event-ID, and 204 ends it', async () => {
  const server = await serve(inTurn(sse('id: 1\ndata: a\n\ndata: b\n\n'), sse('data: c\n\nid: 2\n\n'), GONE))
  const { seen, over, errors } = watch(server.url)
  await over
  const first = ['open 1', 'a#1 1', 'b#1 1', 'error 0']
  expect(seen).toEqual([...first, 'open 1', 'c#1 1', 'error 0', 'error 2'])
  expect(server.received.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '2'])
  expect(server.received[0]).toMatchObject({ method: 'GET', headers: { accept: 'text/event-stream' } })
  expect(errors.at(-1)?.error).toMatchObject({ code: 'HTTP_STATUS', status: 204 })
})

test('an id goes out as it came in, in UTF-8', async () => {
  const server = await serve(inTurn(sse('id: né🙂\ndata: a\n\n'), GONE))
  await watch(server.url).over
  const sent = server.received[1]?.headers['last-event-id'] as string
  expect(Buffer.from(sent, 'latin1').toString('utf8')).toBe('né🙂')
})

test('an id that no blank line ended before the break is none', async () => {
  const server = await serve(inTurn(cut('id: 1\ndata: a\n\nid: 2\ndata: b\n'), cut('id: 3\n\nid: 4\n'), GONE))
  await watch(server.url).over
  expect(server.received.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '3'])
})

test.each([
  ['before it answers', false],
  ['while it sends', true]
])('close ends what a fetch that does not listen to its signal brings, %s', async (_, answered) => {
  let answer: (response: Response) => void = () => undefined
  const late = new Promise<Response>((resolve) => {
    answer = resolve
  })
  const headers = { 'content-type': 'text/event-stream' }
  const { source, seen } = watch('http://localhost/', { ...QUICK, fetch: () => late })
  const opened = new Promise((resolve) => source.addEventListener('open', resolve))
  const cancelled = new Promise((resolve) => {
    const silent = new Response(new ReadableStream({ cancel: resolve }), { headers })
    if (answered) void opened.then(() => setTimeout(() => source.close()))
    else source.close()
    answer(silent)
  })
  await cancelled
  expect(seen).toEqual(answered ? ['open 1'] : [])
})

test('an id is forgotten when the server says so', async () => {
  const server = await serve(inTurn(sse('id: 1\ndata: a\n\nid\n\n'), GONE))
  await watch(server.url).over
  expect(server.received[1]?.headers).not.toHaveProperty('last-event-id')
})

test('the server chooses the time before a reconnection', async () => {
  const server = await serve(inTurn(sse('retry: 5\n\n'), GONE))
  const started = performance.now()
  await watch(server.url, { reconnectionTime: 60_000 }).over
  expect(performance.now() - started).toBeLessThan(5000)
})

test.each<[string, Answer]>([
  ['a status other than 200', body('data: a\n\n', { 'content-type': 'text/event-stream' }, 206)],
  ['an error', body('', {}, 500)],
  ['another content type', body('data: a\n\n', { 'content-type': 'text/plain' })],
  ['no content type', body('data: a\n\n', {})],
  ['another content type after it', body('data: a\n\n', { 'content-type': 'text/event-stream, text/plain' })],
  ['a content type that only begins alike', body('data: a\n\n', { 'content-type': 'text/event-streams' })]
])('%s fails the connection for good', async (_, answer) => {
  const server = await serve(answer)
  const { seen, over, source } = watch(server.url)
  await over
  expect(seen).toEqual(['error 2'])
  expect(source.readyState).toBe(EventSource.CLOSED)
  expect(server.received).toHaveLength(1)
})

test.each<[string, Answer]>([
  ['no usable content type', body('data: a\n\n', {})],
  ['"text/plain"', body('data: a\n\n', { 'content-type': 'text/plain' })]
])('the error says what came instead: %s', async (said, answer) => {
  const { url } = await serve(answer)
  const source = new EventSource(url, { fetch })
  const told = await new Promise<Event>((resolve) => source.addEventListener('error', resolve))
  expect(told).toMatchObject({ error: { message: `The server answered with ${said} instead of text/event-stream` } })
})

test.each([
  'text/event-stream; charset=utf-8',
  'Text/Event-Stream;x',
  'text/event-stream, text/event-stream',
  'application/json, text/event-stream',
  'text/event-stream, */*'
])('the type %s is one', async (type) => {
  const server = await serve(inTurn(body('data: a\n\n', { 'content-type': type }), GONE))
  const { seen, over } = watch(server.url)
  await over
  expect(seen).toContain('a# 1')
})

test('a connection that breaks, before or in the stream, is made again', async () => {
  const server = await serve(inTurn(cut(), cut('id: 1\ndata: a\n\ndata: half'), sse('data: b\n\n'), GONE))
  const { seen, over, errors } = watch(server.url)
  await over
  expect(seen).toEqual(['error 0', 'open 1', 'a#1 1', 'error 0', 'open 1', 'b#1 1', 'error 0', 'error 2'])
  expect(errors.map(({ error }) => error.code)).toEqual(['FETCH_FAILED', 'BODY_FAILED', 'ENDED_EARLY', 'HTTP_STATUS'])
})

test('close ends the request, the other events of the same piece, and the wait', async () => {
  const server = await serve((response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: a\n\ndata: b\n\n')
  })
  const { seen, source, over } = watch(server.url, QUICK, (list) => list.length === 2)
  await over
  await server.gone
  expect(seen).toEqual(['open 1', 'a# 1'])
  expect(source.readyState).toBe(2)

  const ended = await serve(sse('data: a\n\n'))
  const waiting = watch(ended.url, { reconnectionTime: 1 }, (list) => list.at(-1) === 'error 0')
  await waiting.over
  await new Promise((next) => setTimeout(next, 20))
  expect(ended.received).toHaveLength(1)
})

test('a wait that close ended asks nothing more', async () => {
  vi.useFakeTimers()
  try {
    let calls = 0
    const failing = async () => {
      calls += 1
      throw new TypeError('no network')
    }
    const { source, over } = watch('http://localhost/', { reconnectionTime: 100, fetch: failing }, () => true)
    await over
    expect(source.readyState).toBe(EventSource.CLOSED)
    const late = new EventSource('http://localhost/', { reconnectionTime: 100, fetch: failing })
    await vi.advanceTimersByTimeAsync(50)
    late.close()
    await vi.advanceTimersByTimeAsync(1000)
    expect(calls).toBe(2)
  } finally {
    vi.useRealTimers()
  }
})

test('named events, method, headers and body, sent again each time', async () => {
  const server = await serve(inTurn(sse('event: x\ndata: a\n\n'), GONE))
  const headers = { 'X-Own': '1', Accept: 'text/event-stream; own=1' }
  let made = 0
  const { source, over } = watch(server.url, { ...QUICK, headers, body: () => `body ${++made}` })
  const named: string[] = []
  source.addEventListener('x', (event) => named.push(`${event.data} ${event.origin}`))
  await over
  expect(named).toEqual([`a ${new URL(server.url).origin}`])
  expect(server.received).toMatchObject([
    { method: 'POST', body: 'body 1', headers: { 'x-own': '1', accept: 'text/event-stream; own=1' } },
    { method: 'POST', body: 'body 2' }
  ])
})

test('what cannot work is refused at once', () => {
  expect(() => new EventSource('http://')).toThrow(expect.objectContaining({ name: 'SyntaxError' }))
  expect(() => new EventSource('http://localhost/', { method: 'no such' })).toThrow(TypeError)
  expect(() => new EventSource('http://localhost/', { headers: { 'a b': '1' } })).toThrow(TypeError)
  expect(() => new EventSource('http://localhost/', { method: 'GET', body: 'x' })).toThrow(TypeError)
})

const longwire = (code: string, category: string) =>
  Object.assign(new TypeError(code), { code, category, phase: 'headers', retryable: false })

test.each([
  ['POLICY_DENIED', 'POLICY'],
  ['HOST_UNAVAILABLE', 'NETWORK'],
  ['STOPPED_BY_USER', 'CANCELLED']
])('%s ends it: trying again does not mend that', async (code, category) => {
  let calls = 0
  const fetch = async () => {
    calls += 1
    throw longwire(code, category)
  }
  const { seen, over, errors } = watch('http://localhost/', { ...QUICK, fetch })
  await over
  expect(seen).toEqual(['error 2'])
  expect(errors[0]?.error).toMatchObject({ code, category })
  expect(calls).toBe(1)
})

test('a user who stops the stream stops it for good', async () => {
  let calls = 0
  const fetch = async () => {
    calls += 1
    const stopped = longwire('STOPPED_BY_USER', 'CANCELLED')
    const body = new ReadableStream({ pull: (controller) => controller.error(stopped) })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
  const { seen, over } = watch('http://localhost/', { ...QUICK, fetch })
  await over
  expect(seen).toEqual(['open 1', 'error 2'])
  expect(calls).toBe(1)
})

test.each([
  ['UPLOAD_FAILED', 'NETWORK'],
  ['UPSTREAM_TLS', 'NETWORK'],
  ['UPSTREAM_PROTOCOL', 'SERVER']
])('%s is of the network, and may pass', async (code, category) => {
  const fetch = async () => {
    throw longwire(code, category)
  }
  const { seen, over } = watch('http://localhost/', { ...QUICK, fetch }, (list) => list.length === 2)
  await over
  expect(seen).toEqual(['error 0', 'error 0'])
})

test('an event that is too long breaks the connection', async () => {
  const server = await serve(inTurn(sse(`data: a\n\ndata: ${'x'.repeat(50)}\n\n`), GONE))
  const { errors, over } = watch(server.url, { ...QUICK, maxEventLength: 40 })
  await over
  expect(errors[0]?.error.code).toBe('TOO_LARGE')
})

test('it looks as the standard says', async () => {
  const server = await serve(GONE)
  const source = new EventSource(server.url, { withCredentials: true })
  expect([EventSource.CONNECTING, EventSource.OPEN, EventSource.CLOSED]).toEqual([0, 1, 2])
  expect([source.CONNECTING, source.OPEN, source.CLOSED]).toEqual([0, 1, 2])
  expect(source).toMatchObject({ url: server.url, readyState: 0, withCredentials: true, onopen: null, onmessage: null })
  const order: string[] = []
  source.onerror = () => order.push('first')
  source.addEventListener('error', () => order.push('listener'))
  source.onerror = () => order.push('handler')
  await new Promise((resolve) => source.addEventListener('error', resolve))
  expect(order).toEqual(['handler', 'listener'])
  source.onerror = 5 as never
  expect(source.onerror).toBe(null)
  source.close()
})
