import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StreamEvent } from '../../src/client/event-payload'
import { events } from '../../src/client/events'

type Expected = Partial<StreamEvent>[]

/** The events of a body in pieces. */
async function read(type: string, pieces: Uint8Array[], options: Parameters<typeof events>[1] = {}) {
  const body = new ReadableStream({
    start: (controller) => {
      for (const piece of pieces) if (piece.length > 0) controller.enqueue(piece)
      controller.close()
    }
  })
  const found: StreamEvent[] = []
  const headers: HeadersInit = type === '' ? {} : { 'content-type': type }
  for await (const event of events(new Response(body, { headers }), options)) found.push(event)
  return found
}

const bytes = (text: string) => new TextEncoder().encode(text)
const single = (text: string) => Array.from(bytes(text), (byte) => Uint8Array.of(byte))
const join = (found: StreamEvent[]) => found.map(({ text }) => text).join('')

const SSE = 'text/event-stream'
const DELTA = '{"choices":[{"delta":{"content":"Hi"}}]}'
const TOOL = '{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}'
const CLAUDE = '{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}'

test.each<[string, string, string, Expected]>([
  ['{type, data}', SSE, 'data: {"type":"text","data":"Hi"}\n\n', [{ type: 'text', data: 'Hi', text: 'Hi' }]],
  [
    '{type, data} of an object',
    SSE,
    'data: {"type":"content","data":{"text":"a"}}\n\n',
    [{ data: { text: 'a' }, text: 'a' }]
  ],
  ['tool calls carry no text', SSE, 'data: {"type":"tool_call","data":"x"}\n\n', [{ type: 'tool_call', text: '' }]],
  ['unknown types', SSE, 'data: {"type":"x.y","data":[1]}\n\n', [{ type: 'x.y', data: [1], text: '' }]],
  ['legacy {chunk}', SSE, 'data: {"chunk":"Hi"}\n\n', [{ type: 'text', data: 'Hi', text: 'Hi' }]],
  ['legacy {chunk, type: chunk}', SSE, 'data: {"chunk":"a","type":"chunk"}\n\n', [{ type: 'text', text: 'a' }]],
  [
    'legacy {chunk, type}',
    SSE,
    'data: {"chunk":"50%","type":"progress"}\n\n',
    [{ type: 'progress', data: '50%', text: '' }]
  ],
  [
    '[DONE]',
    SSE,
    `data: ${DELTA}\n\ndata: [DONE]\n\n`,
    [
      { type: 'text', text: 'Hi' },
      { type: 'done', data: null }
    ]
  ],
  [
    'tool calls of OpenAI',
    SSE,
    `data: ${TOOL}\n\ndata: [DONE]\n\n`,
    [{ type: 'tool_call', text: '' }, { type: 'done' }]
  ],
  ['usage of OpenAI', SSE, 'data: {"choices":[],"usage":{}}\n\n', [{ type: 'metadata' }]],
  [
    'responses of OpenAI',
    SSE,
    'data: {"type":"response.output_text.delta","delta":"a"}\n\ndata: {"type":"response.completed"}\n\n',
    [{ text: 'a' }, { type: 'response.completed' }]
  ],
  [
    'messages of Anthropic',
    SSE,
    `event: content_block_delta\ndata: ${CLAUDE}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n`,
    [{ type: 'content_block_delta', text: 'Hi' }, { type: 'message_stop' }]
  ],
  [
    'chat of Ollama',
    'application/x-ndjson',
    '{"message":{"content":"a"},"done":false}\n{"done":true}\n',
    [{ text: 'a' }, { type: 'done' }]
  ],
  ['an error object', SSE, 'data: {"error":{"message":"no"}}\n\n', [{ type: 'error', text: '' }]],
  ['names of events', SSE, 'event: status\ndata: connecting\n\n', [{ type: 'status', data: 'connecting', text: '' }]],
  ['plain text in events', SSE, 'data: a\n\ndata:  b\n\n', [{ type: 'message', text: 'a' }, { text: ' b' }]],
  [
    'braces in plain text',
    SSE,
    'data: if (x) {\n\ndata: {\n\ndata: }\n\n',
    [{ text: 'if (x) {' }, { text: '{' }, { text: '}' }]
  ],
  [
    'NDJSON, CRLF, blank lines, no last end',
    'application/x-ndjson',
    '{"a":1}\r\n\n{"a":2}',
    [{ data: { a: 1 }, raw: '{"a":1}' }, { data: { a: 2 } }]
  ],
  [
    'JSON lines of values',
    'application/jsonl',
    '1\n"x"\nnull\n',
    [{ data: 1 }, { data: 'x', text: 'x' }, { data: null }]
  ],
  [
    'one document',
    'application/json; charset=utf-8',
    '{"type":"complete",\n"data":"x"}',
    [{ type: 'complete', data: 'x' }]
  ],
  ['a document of another kind', 'application/problem+json', '{"title":"x"}', [{ data: { title: 'x' } }]],
  ['an empty body', SSE, '', []],
  ['an empty body of no type', '', '', []]
])('%s', async (_, type, text, expected) => {
  for (const pieces of [[bytes(text)], single(text)]) {
    const found = await read(type, pieces)
    expect(found).toMatchObject(expected)
    expect(found).toHaveLength(expected.length)
  }
})

test.each([
  ['an event stream', 'data: {"type":"text","data":"a"}\n\n', 'a', 1],
  ['an event stream that begins with a comment', ': x\ndata: a\n\n', 'a', 1],
  ['JSON lines', '{"type":"text","data":"a"}\n{"type":"text","data":"b"}\n', 'ab', 2],
  ['prose', 'dataset and {more}', 'dataset and {more}', undefined],
  ['program text', '{\n  "a": 1\n}\n', '{\n  "a": 1\n}\n', undefined],
  ['a word that begins like a field', 'dat', 'dat', undefined],
  ['markup that is no page', '<p>hello', '<p>hello', undefined]
])('text/plain, no type, and bytes are looked at: %s', async (_, text, whole, count) => {
  for (const type of ['text/plain; charset=utf-8', '', 'application/octet-stream']) {
    for (const pieces of [[bytes(text)], single(text)]) {
      const found = await read(type, pieces)
      expect(join(found)).toBe(whole)
      if (count !== undefined) expect(found).toHaveLength(count)
    }
  }
})

test('a format that is named is not second-guessed', async () => {
  expect(join(await read('text/plain', [bytes('data: a\n\n')], { format: 'text' }))).toBe('data: a\n\n')
  expect(await read('image/png', [bytes('data: a\n\n')], { format: 'sse' })).toMatchObject([{ data: 'a' }])
  expect(await read(SSE, [bytes('data: {"a":1}\n\n')], { json: false })).toMatchObject([{ data: '{"a":1}' }])
})

test('a character that is cut in two arrives whole', async () => {
  const text = 'naïve 日本 🙂'
  expect(join(await read('text/plain', single(text)))).toBe(text)
  const json = `${JSON.stringify({ type: 'text', data: text })}\n`
  expect(join(await read('application/x-ndjson', single(json)))).toBe(text)
})

const value = fc.oneof(
  fc.record({ type: fc.constantFrom('text', 'status', 'x'), data: fc.string({ unit: 'grapheme' }) }),
  fc.record({ chunk: fc.string({ unit: 'grapheme' }) })
)

test.each(['application/x-ndjson', SSE, 'text/plain'])('any split of %s gives the same events', async (type) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(value, { minLength: 1, maxLength: 8 }),
      fc.constantFrom('\n', '\r\n'),
      fc.array(fc.nat(500), { maxLength: 20 }),
      async (values, end, cuts) => {
        const line = (json: string) => (type === SSE ? `data: ${json}${end}${end}` : `${json}${end}`)
        const whole = bytes(values.map((item) => line(JSON.stringify(item))).join(''))
        const at = cuts.map((cut) => cut % whole.length).sort((a, b) => a - b)
        const pieces = [0, ...at].map((start, i) => whole.subarray(start, at[i] ?? whole.length))
        const found = await read(type, pieces)
        expect(found).toEqual(await read(type, [whole]))
        expect(found).toHaveLength(values.length)
      }
    ),
    { numRuns: 100 }
  )
})

test.each(['application/x-ndjson', 'application/json'])(
  'a message of %s past the limit is refused, at it taken',
  async (type) => {
    const text = `"${'x'.repeat(98)}"`
    for (const cutUp of [(all: string) => [bytes(all)], single]) {
      expect(await read(type, cutUp(text), { maxEventLength: 100 })).toHaveLength(1)
      const reading = read(type, cutUp(`${text} `), { maxEventLength: 100 })
      await expect(reading).rejects.toMatchObject({ code: 'TOO_LARGE', category: 'PARSE' })
    }
  }
)
