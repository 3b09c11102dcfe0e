import { afterEach, expect, expectTypeOf, test, vi } from 'vitest'
import { OptionError, type StreamError, type StreamEvent, type StreamStatus } from '../../src/client'
import {
  authFetch,
  chatWithModelStream,
  configure,
  type ModelRequest,
  SSEStreamReader,
  streamChat
} from '../../src/client/compat'
import { body, cut, failureOf, serve, sse } from './server'

const ANSWER = 'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\ndata: {"choices":[{"delta":{"content":"lo"}}]}\n\n'
const HELLO = sse(`${ANSWER}data: [DONE]\n\n`)

afterEach(() => {
  configure({})
  vi.unstubAllGlobals()
})

test('the signatures are those that code has', () => {
  // What can be left out can be undefined too.
  expectTypeOf(streamChat).toEqualTypeOf<
    (id: string, message: string, onEvent: (event: StreamEvent) => void, signal?: AbortSignal) => Promise<void>
  >()
  expectTypeOf(chatWithModelStream).toEqualTypeOf<
    (req: ModelRequest, onChunk?: (chunk: string) => void, onStatus?: (status: StreamStatus) => void) => Promise<string>
  >()
  expectTypeOf(authFetch).toEqualTypeOf<
    (
      url: string | URL,
      init?: RequestInit,
      options?: { stream?: boolean; onError?: (error: StreamError) => void; timeout?: number }
    ) => Promise<Response>
  >()
  expectTypeOf<keyof SSEStreamReader>().toEqualTypeOf<'readEvents' | 'readToCompletion' | 'cancel' | 'on'>()
  expectTypeOf<SSEStreamReader['readEvents']>().returns.toExtend<AsyncIterable<StreamEvent>>()
  // The first argument of a listener is what its name says.
  const typed = (reader: SSEStreamReader) =>
    reader.on('error', (error) => expectTypeOf(error).toEqualTypeOf<StreamError>())
  expectTypeOf(typed).returns.toEqualTypeOf<() => void>()
})

test('streamChat posts the message and gives the events', async () => {
  const server = await serve(HELLO)
  configure({ chatUrl: (id) => `${server.url}chats/${id}`, token: 'secret' })
  const seen: string[] = []
  await streamChat('7', 'Hi', ({ type, text }) => seen.push(`${type} ${text}`))
  expect(seen).toEqual(['text Hel', 'text lo', 'done '])
  const [request] = server.received
  expect(request).toMatchObject({ method: 'POST', path: '/chats/7', body: '{"message":"Hi"}' })
  expect(request?.headers).toMatchObject({ 'content-type': 'application/json', authorization: 'Bearer secret' })
})

test('an abort is its own reason, as from fetch', async () => {
  const server = await serve((response) => void response.writeHead(200, SSE_TYPE).write(ANSWER))
  configure({ chatUrl: () => server.url })
  const controller = new AbortController()
  const over = streamChat('7', 'Hi', () => controller.abort(), controller.signal)
  expect(await failureOf(over)).toMatchObject({ name: 'AbortError' })
  await server.gone
})

test('what fails is a StreamError with the words of the server', async () => {
  const server = await serve(body('{"detail":"No such chat"}', { 'content-type': 'application/json' }, 404))
  configure({ chatUrl: () => server.url })
  const error = await failureOf(streamChat('7', 'Hi', () => {}))
  expect(error).toMatchObject({ code: 'HTTP_STATUS', message: 'The server answered 404 Not Found: No such chat' })
})

test('chatWithModelStream gives pieces, states and the whole', async () => {
  const server = await serve(HELLO)
  configure({ modelUrl: server.url })
  const chunks: string[] = []
  const states: string[] = []
  const messages = [{ role: 'user', content: 'Hi' }]
  const { signal } = new AbortController()
  const whole = await chatWithModelStream(
    { model: 'm', messages, temperature: 0, signal },
    (chunk) => chunks.push(chunk),
    ({ state }) => states.push(state)
  )
  expect([whole, chunks, states]).toEqual(['Hello', ['Hel', 'lo'], ['connecting', 'open', 'done']])
  const sent: unknown = JSON.parse(server.received[0]?.body ?? '')
  expect(sent).toEqual({ model: 'm', messages, temperature: 0, stream: true })
  expect(await chatWithModelStream({ model: 'm', messages })).toBe('Hello')
})

test('who does not say where to is told what is missing', async () => {
  expect(await failureOf(streamChat('7', 'Hi', () => {}))).toMatchObject({
    message: expect.stringContaining('chatUrl')
  })
  const error = await failureOf(chatWithModelStream({ model: 'm', messages: [] }))
  expect(error).toMatchObject({ message: expect.stringContaining('modelUrl') })
  expect(() => configure({ chatURL: '' } as never)).toThrow(OptionError)
})

test('authFetch sends the token and gives a whole answer', async () => {
  const server = await serve(body('{"a":1}', { 'content-type': 'application/json' }))
  configure({ token: { value: () => 'secret', header: 'X-API-Key' } })
  const response = await authFetch(server.url, { headers: { 'x-own': '1' } })
  expect([await response.json(), response.url]).toEqual([{ a: 1 }, server.url])
  expect(server.received[0]?.headers).toMatchObject({ 'x-api-key': 'secret', 'x-own': '1' })
})

test('a streaming authFetch resolves with the headers, and its timeout ends there', async () => {
  let end = () => {}
  const server = await serve((response) => {
    response.writeHead(200, SSE_TYPE).write(ANSWER)
    end = () => response.end()
  })
  const response = await authFetch(server.url, {}, { stream: true, timeout: 60_000 })
  const reader = new SSEStreamReader(response)
  const texts: string[] = []
  for await (const { text } of reader.readEvents()) {
    texts.push(text)
    end()
    if (texts.length === 2) break
  }
  expect(texts).toEqual(['Hel', 'lo'])
})

test.each<[string, Parameters<typeof serve>[0], object, object]>([
  ['a status', body('no', {}, 403), {}, { code: 'HTTP_STATUS', status: 403, category: 'AUTH' }],
  ['a broken connection', cut(), {}, { code: 'FETCH_FAILED' }],
  ['a broken body', cut('x'), {}, { code: 'BODY_FAILED' }],
  ['silence', () => {}, { timeout: 20 }, { code: 'HEADERS_TIMEOUT' }],
  [
    'silence in the body',
    (response) => void response.writeHead(200).write('x'),
    { timeout: 200 },
    { code: 'TOTAL_TIMEOUT' }
  ]
])('authFetch tells and rejects: %s', async (_, answer, options, expected) => {
  const server = await serve(answer)
  const told: StreamError[] = []
  const error = await failureOf(authFetch(server.url, {}, { ...options, onError: (failure) => told.push(failure) }))
  expect(error).toMatchObject(expected)
  expect(told).toEqual([error])
})

test('an abort of authFetch is nobody’s error', async () => {
  const server = await serve(() => {})
  const told: StreamError[] = []
  const controller = new AbortController()
  const over = authFetch(server.url, { signal: controller.signal }, { onError: (failure) => told.push(failure) })
  controller.abort('mine')
  expect(await failureOf(over)).toBe('mine')
  expect(told).toEqual([])
})

test('a reader tells events, text, states and its end', async () => {
  const server = await serve(HELLO)
  const reader = new SSEStreamReader(fetch(server.url))
  const told: string[] = []
  reader.on('event', ({ type }) => told.push(type))
  reader.on('text', (added, all) => told.push(`${added} of ${all}`))
  reader.on('status', ({ state }) => told.push(state))
  reader.on('done', ({ text }) => told.push(`whole ${text}`))
  reader.on('error', () => told.push('never'))
  reader.on('event', () => told.push('never'))()
  expect((await reader.readToCompletion()).text).toBe('Hello')
  expect(told).toEqual([
    ...['connecting', 'open', 'Hel of Hel', 'text', 'lo of Hello', 'text', 'done', 'done', 'whole Hello']
  ])
})

test('a reader that fails tells it once and rejects with it', async () => {
  const server = await serve(cut('data: one\n\n'))
  const reader = new SSEStreamReader(await fetch(server.url))
  const told: string[] = []
  reader.on('error', ({ code }) => told.push(code))
  reader.on('done', () => told.push('done'))
  expect(await failureOf(reader.readToCompletion())).toMatchObject({ code: 'BODY_FAILED' })
  expect(told).toEqual(['BODY_FAILED'])
})

test('a reader that is cancelled ends without an error', async () => {
  const server = await serve((response) => void response.writeHead(200, SSE_TYPE).write(ANSWER.slice(0, -20)))
  const reader = new SSEStreamReader(fetch(server.url))
  reader.on('event', () => reader.cancel())
  expect(await reader.readToCompletion()).toMatchObject({ text: 'Hel', cancelled: true })
  await server.gone
})

const SSE_TYPE = { 'content-type': 'text/event-stream' }
