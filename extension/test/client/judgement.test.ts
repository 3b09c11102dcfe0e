// Answers as servers give them: first the event's name says what it is, then that it is empty, then its JSON.

import { expect, test } from 'vitest'
import { StreamError } from '../../src/client/errors'
import type { StreamEvent } from '../../src/client/event-payload'
import { events } from '../../src/client/events'
import { type StreamOptions, stream } from '../../src/client/stream'
import { type Answer, body, cut, inTurn, serve, sse } from './server'

const SSE = 'text/event-stream'
const HI = 'data: {"type":"text","data":"Hi"}\n\n'
const DELTA = 'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\n'
const CLAUDE =
  'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}\n\n'
const WRITTEN = 'data: {"type":"response.output_text.delta","delta":"Hi"}\n\n'

/** The events of an answer, whole and in single bytes, which are the same. */
async function read(type: string, text: string, options: Parameters<typeof events>[1] = {}) {
  const headers: HeadersInit = type === '' ? {} : { 'content-type': type }
  const all = async (pieces: Uint8Array<ArrayBuffer>[]) => {
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const piece of pieces) controller.enqueue(piece)
        controller.close()
      }
    })
    const reading = events(new Response(source, { headers }), options)
    const found: StreamEvent[] = []
    for await (const event of reading) found.push(event)
    return { found, id: reading.lastEventId }
  }
  const whole = new TextEncoder().encode(text)
  const inOne = await all([whole])
  expect(await all(Array.from(whole, (byte) => Uint8Array.of(byte)))).toEqual(inOne)
  return inOne.found
}

/** What becomes of a GET that is answered so, as often as it is sent. */
async function run(answer: Answer, options: StreamOptions = {}) {
  const server = await serve(answer)
  const types: string[] = []
  const reading = stream(
    server.url,
    {},
    {
      retry: { delay: 1, jitter: 0 },
      onEvents: (list) => types.push(...list.map(({ type }) => type)),
      ...options
    }
  )
  const outcome = await reading.readToCompletion().catch((error: unknown) => error)
  return { outcome, types, text: reading.text, requests: server.received.length }
}

test.each<[string, string, Partial<StreamEvent>]>([
  ['empty data', 'data:\n\n', { type: 'message', data: '', text: '' }],
  ['data of a space', 'data:  \n\n', { type: 'message', text: '' }],
  ['an empty ping', 'event: ping\ndata:\n\n', { type: 'ping', data: '', text: '' }],
  ['a ping with a date', 'event: ping\ndata: 2026-11-29 18:00:00+00:00\n\n', { type: 'ping', text: '' }],
  ['a keep-alive with half an object', 'event: keep-alive\ndata: {"at\n\n', { type: 'keep-alive', text: '' }],
  ['an error in words', 'event: error\ndata: it broke\n\n', { type: 'error', data: 'it broke', text: '' }],
  ['an error in words, with a brace', 'event: error\ndata: {broken\n\n', { type: 'error', data: '{broken' }],
  ['an error of another type', 'event: error\ndata: {"type":"overloaded","message":"no"}\n\n', { type: 'error' }],
  ['a status in words', 'event: status\ndata: thinking\n\n', { type: 'status', data: 'thinking', text: '' }],
  ['a progress in per cent', 'event: progress\ndata: 50%\n\n', { type: 'progress', data: '50%', text: '' }],
  ['content in words', 'event: content\ndata: there\n\n', { type: 'content', text: 'there' }],
  ['[DONE] between spaces', 'data:  [DONE] \n\n', { type: 'done', data: null }],
  ['[DONE] that nothing ends', 'data: [DONE]', { type: 'done', data: null }],
  ['[DONE] that a line break ends', 'data: [DONE]\n', { type: 'done', data: null }],
  ['[DONE] that a carriage return ends', 'data: [DONE]\r', { type: 'done', data: null }],
  ['the last event, that nothing ends', 'event: message_stop\ndata: {"type":"message_stop"}', { type: 'message_stop' }],
  ['an error that nothing ends', 'data: {"error":{"message":"no"}}\n', { type: 'error' }],
  ['no error: ""', 'data: {"type":"text","data":"a","error":""}\n\n', { type: 'text', text: 'a' }],
  ['no error: "", without a type', 'data: {"error":"","content":"a"}\n\n', { type: 'message', text: 'a' }],
  ['no error: false', 'data: {"error":false,"content":"a"}\n\n', { type: 'message', text: 'a' }],
  ['no error: {}', 'data: {"error":{},"content":"a"}\n\n', { type: 'message', text: 'a' }],
  ['no error in a choice', 'data: {"choices":[{"text":"a"}],"error":false}\n\n', { type: 'text', text: 'a' }],
  [
    'content that is a list',
    'data: {"choices":[{"delta":{"content":[{"type":"thinking","thinking":[]},{"type":"text","text":"a"},"b"]},"finish_reason":"stop"}]}\n\n',
    { type: 'text', text: 'ab' }
  ],
  ['a message that is a list', 'data: {"type":"message","content":[{"type":"text","text":"a"}]}\n\n', { text: 'a' }],
  ['a bare error', '{"error":{"message":"no"}}\n', { type: 'error', data: { error: { message: 'no' } } }],
  ['a bare error, and a blank line', '{"error":{"message":"no"}}\r\n\r\n', { type: 'error' }],
  ['a bare error over several lines', '{\n  "error": {\n    "message": "no"\n  }\n}', { type: 'error' }],
  ['content by its name', 'event: content\ndata: {"content":"a","done":false}\n\n', { type: 'content', text: 'a' }],
  [
    'content by its name, whatever its type',
    'event: content\ndata: {"type":"md","text":"a"}\n\n',
    { type: 'content', text: 'a' }
  ],
  ['a chunk by its name', 'event: chunk\ndata: {"delta":{"text":"a"},"done":false}\n\n', { type: 'chunk', text: 'a' }],
  ['a status by its name', 'event: status\ndata: {"status":"busy","done":false}\n\n', { type: 'status', text: '' }],
  [
    'llm_complete by its name',
    'event: llm_complete\ndata: {"type":"x","content":"Hi"}\n\n',
    { type: 'llm_complete', text: '' }
  ],
  ['content that is an error', 'event: content\ndata: {"error":"no"}\n\n', { type: 'error', text: '' }]
])('after JSON: %s', async (_, text, expected) => {
  const found = await read(SSE, `${HI}${text}`)
  expect(found[1]).toMatchObject(expected)
  expect(found).toHaveLength(2)
})

test('what stands bare between events, and is no error, is skipped as the standard says', async () => {
  const bare = '{"a":1}\n\n{"type":"text","data":"x"}\ndata: "a"\n\ndata: "{"\n{\n\n{"error":null}\n\n{"error'
  expect(await read(SSE, `${HI}${bare}`)).toMatchObject([{ text: 'Hi' }, { text: 'a' }, { text: '{' }])
})

test('a bare error has its place between the events', async () => {
  const found = await read(SSE, `${HI}{"error":{"message":"no"}}\r\n\r\n${HI}`)
  expect(found.map(({ type }) => type)).toEqual(['text', 'error', 'text'])
})

test('an event that is cut off is none', async () => {
  const long = `data: ${'x'.repeat(50)}`
  expect(await read(SSE, `${HI}${long}`, { maxEventLength: 40 })).toHaveLength(1)
  const cuts = [
    'data: {"type":"text","data":"x"}',
    'event: done\ndata: {"a',
    'id: 7\ndata: [DO',
    'event: error\ndata: it bro'
  ]
  for (const half of cuts) expect(await read(SSE, `${HI}${half}`)).toHaveLength(1)
  const [, last] = await read(SSE, `id: 1\n${HI}id: 2\nretry: 5\ndata: [DONE]`)
  expect(last).toMatchObject({ type: 'done', id: '1' })
})

test('lines that end in CR: the last event is there when its blank line is', async () => {
  expect(await read(SSE, 'data: a\r\rdata: b\r\r')).toMatchObject([{ data: 'a' }, { data: 'b' }])
})

test.each([
  ['application/json', HI],
  ['application/json; charset=utf-8', `: hello\n\n${HI}`],
  ['application/x-ndjson', HI],
  ['application/json', `\n\n${HI}`],
  ['text/plain', `\n${HI}`],
  ['', `\r\n${HI}`],
  [SSE, `\n\n${HI}`],
  ['text/plain', '\n{"type":"text","data":"Hi"}\n'],
  ['application/json, text/event-stream', HI],
  ['text/html, text/event-stream;charset=utf-8', HI],
  ['text/event-stream, text/event-stream', HI],
  ['image/png;x="a, text/html", text/event-stream', HI],
  ['text/event-stream, */*', HI],
  ['text/event-stream, nonsense', HI],
  ['Text/Event-Stream ; a', HI],
  ['nonsense', HI],
  ['text/event-stream, application/x-ndjson', '{"type":"text","data":"Hi"}\n']
])('%s: %j', async (type, text) => {
  expect(await read(type, text)).toMatchObject([{ type: 'text', text: 'Hi' }])
})

test('of several types the last counts', async () => {
  await expect(read('text/event-stream, image/png', HI)).rejects.toMatchObject({ code: 'CONTENT_TYPE' })
  await expect(read('text/event-stream, text/html', '<html>')).rejects.toMatchObject({ code: 'HTML' })
})

test('a format that is named is believed, whatever the type says', async () => {
  for (const type of ['text/html', 'image/png', 'application/json']) {
    expect(await read(type, HI, { format: 'sse' })).toMatchObject([{ text: 'Hi' }])
  }
  expect(await read('text/html', '{"type":"text","data":"Hi"}\n', { format: 'ndjson' })).toMatchObject([{ text: 'Hi' }])
  await expect(read('text/html', '<!doctype html>', { format: 'sse' })).rejects.toMatchObject({ code: 'HTML' })
})

test.each<[string, string]>([
  ['an empty event', 'data:\n\n'],
  ['an empty ping', 'event: ping\ndata:\n\n'],
  ['a ping with a date', 'event: ping\ndata: 2026-11-29\n\n']
])('%s is a sign of life, and makes no other answer of one that is repeated', async (_, sign) => {
  const answers = inTurn(cut(`${HI}${sign}`), sse(`${sign}${sign}${HI}${HI}`))
  expect(await run(answers)).toMatchObject({ outcome: { text: 'HiHi' }, requests: 2 })
})

test.each<[string, string, object]>([
  ['of OpenAI', '{"error":{"message":"no","type":"server_error","code":null}}', { code: 'server_error' }],
  ['of Anthropic', '{"type":"error","error":{"type":"overloaded_error","message":"no"}}', { code: 'overloaded_error' }],
  [
    'of a response',
    '{"type":"response.failed","response":{"error":{"code":"server_error","message":"no"}}}',
    { code: 'server_error' }
  ],
  ['of {type, data}', '{"type":"error","data":{"code":"X_1","message":"no","retryable":false}}', { code: 'X_1' }],
  ['with a number', '{"error":{"code":502,"message":"no"}}', { code: '502' }],
  ['in one word', '{"error":"no"}', { code: 'ERROR_EVENT' }],
  ['with words beside it', '{"error":true,"message":"no"}', { code: 'ERROR_EVENT' }],
  [
    'of a limit',
    '{"error":{"code":"rate_limit_exceeded","message":"no","retryable":false,"retry_after":2}}',
    { code: 'rate_limit_exceeded', category: 'RATE_LIMITED', retryAfter: 2000 }
  ],
  [
    'of a quota, which is final whatever it says',
    '{"error":{"code":"insufficient_quota","message":"no","retryable":true,"retry_after_ms":1}}',
    { code: 'insufficient_quota', retryAfter: 1 }
  ]
])('an error %s keeps what it says, and is the end', async (_, data, expected) => {
  const { outcome, requests, types } = await run(sse(`${HI}data: ${data}\n\n`))
  expect(outcome).toBeInstanceOf(StreamError)
  expect(outcome).toMatchObject({ category: 'SERVER', retryable: false, body: data, ...expected })
  expect((outcome as Error).message).toBe('The server reports an error: no')
  expect(requests).toBe(1)
  expect(types).toHaveLength(2)
})

test('an error in words, and one without any', async () => {
  const words = await run(sse('event: error\ndata: it broke\n\n'))
  expect(words.outcome).toMatchObject({ code: 'ERROR_EVENT', message: 'The server reports an error: it broke' })
  const none = await run(sse(`${HI}event: error\ndata:\n\n`))
  expect(none.outcome).toMatchObject({ code: 'ERROR_EVENT', message: 'The server reports an error' })
})

test.each([
  ['that may be tried again', '"retryable":true'],
  ['that says when', '"retry_after":0.001'],
  ['that says when, in milliseconds', '"retryAfterMs":"1"']
])('an error %s is asked about again, as after every failure, and nothing is shown twice', async (_, member) => {
  const failed = sse(`${HI}event: error\ndata: {"code":"busy",${member}}\n\n`)
  const { outcome, requests, types } = await run(inTurn(failed, failed, sse(`${HI}${HI}`)))
  expect(outcome).toMatchObject({ text: 'HiHi' })
  expect(types).toEqual(['text', 'text'])
  expect(requests).toBe(3)
  const last = await run(failed, { retry: { retries: 1, delay: 1 } })
  expect(last).toMatchObject({ outcome: { code: 'MAX_RETRIES_EXCEEDED', cause: { code: 'busy' } }, requests: 2 })
  expect(last.types).toEqual(['text', 'error'])
})

test('a quota that is used up is final with its status too', async () => {
  const busy = { 'content-type': 'application/json', 'retry-after': '0' }
  const quota = await run(body('{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}', busy, 429))
  expect(quota).toMatchObject({ outcome: { code: 'HTTP_STATUS', status: 429, retryable: false }, requests: 1 })
  const limit = await run(body('{"error":{"code":"rate_limit_exceeded"}}', busy, 429))
  expect(limit).toMatchObject({ outcome: { code: 'MAX_RETRIES_EXCEEDED' }, requests: 4 })
})

const ANSWERS: [string, string, string, string][] = [
  ['a chat completion', SSE, DELTA, 'data: [DONE]\n\n'],
  ['a chat completion that says why it ends', SSE, DELTA, DELTA.replace('null', '"stop"')],
  ['a message of Anthropic', SSE, CLAUDE, 'event: message_stop\ndata: {"type":"message_stop"}\n\n'],
  ['a response', SSE, WRITTEN, 'data: {"type":"response.completed","response":{}}\n\n'],
  ['a response that is too long', SSE, WRITTEN, 'data: {"type":"response.incomplete","response":{}}\n\n'],
  ['a chat of Ollama', 'application/x-ndjson', '{"message":{"content":"Hi"},"done":false}\n', '{"done":true}\n'],
  ['a text of Ollama', 'application/x-ndjson', '{"response":"Hi","done":false}\n', '{"response":"","done":true}\n']
]

test.each(ANSWERS)('%s that just ends is a broken one, for both', async (_, type, begin, end) => {
  const early = { code: 'ENDED_EARLY', retryable: true }
  await expect(read(type, begin)).rejects.toMatchObject(early)
  await expect(read(type, begin, { endEvent: false })).resolves.toHaveLength(1)
  await expect(read(type, begin + end)).resolves.toHaveLength(2)
  const headers = { 'content-type': type }
  const once = { retry: false } as const
  expect(await run(body(begin, headers), once)).toMatchObject({ outcome: early, text: 'Hi' })
  expect((await run(body(begin + end, headers), once)).outcome).toMatchObject({ cancelled: false })
  const again = inTurn(body(begin, headers), body(begin + end, headers))
  expect(await run(again)).toMatchObject({ outcome: { cancelled: false }, requests: 2 })
})

test('of several choices, each has its end', async () => {
  const piece = (index: number, reason: string | null) =>
    `data: {"choices":[{"index":${index},"delta":{"content":"a"},"finish_reason":${JSON.stringify(reason)}}]}\n\n`
  const one = piece(0, null) + piece(1, null) + piece(0, 'stop')
  await expect(read(SSE, one)).rejects.toMatchObject({ code: 'ENDED_EARLY' })
  await expect(read(SSE, piece(0, ''))).rejects.toMatchObject({ code: 'ENDED_EARLY' })
  await expect(read(SSE, `${one}${piece(1, 'length')}data: {"choices":[],"usage":{}}\n\n`)).resolves.toHaveLength(5)
})

test('what has no known shape just ends, and a document is whole', async () => {
  await expect(read(SSE, HI)).resolves.toHaveLength(1)
  await expect(read('application/json', '{"choices":[{"delta":{"content":"Hi"}}]}')).resolves.toHaveLength(1)
  await expect(read(SSE, HI, { endEvent: true })).rejects.toMatchObject({ code: 'ENDED_EARLY' })
  await expect(read(SSE, `${HI}event: llm_complete\ndata: {}\n\n`, { endEvent: true })).resolves.toHaveLength(2)
})

test('events() ends at the last event, however its connection does', async () => {
  const whole = `${HI}data: [DONE]\n\n`
  const broken = await serve(cut(whole))
  await expect(events(await fetch(broken.url)).readToCompletion()).resolves.toMatchObject({ text: 'Hi' })
  const open = await serve((response) => void response.writeHead(200, { 'content-type': SSE }).write(whole))
  await expect(events(await fetch(open.url)).readToCompletion()).resolves.toMatchObject({ text: 'Hi' })
  await open.gone
})
