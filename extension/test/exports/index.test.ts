// Each form that a recording can be saved as, and that none says more than the recording.

import { expect, test } from 'vitest'
import { type ExportFormat, exportAs, FORMATS } from '../../src/exports'
import { answerText, eventsOf } from '../../src/exports/events'
import { Redaction } from '../../src/recording/credentials'
import { Masking } from '../../src/recording/masking'
import { EVENTS, end, fileOf, piece, request, response, SOCKET, SSE, streamOf } from './recorded'

const text = async (format: ExportFormat, file: string) => (await exportAs(format, file, '1.0')?.blob.text()) ?? null

const two = (...lines: Record<string, unknown>[]) => lines.map((line) => ({ ...line, stream: 2 }))

test('events have the time of the piece that completed them', () => {
  expect(eventsOf(streamOf(...EVENTS)).map(({ t, data }) => [t, data])).toEqual([
    [210.25, '{"delta":"Hel"}'],
    [260.123, '€']
  ])
})

test('what a server nests deeply stays a text, and is no end of the export', async () => {
  const deep = '['.repeat(50_000) + ']'.repeat(50_000)
  const file = fileOf(request(), response(SSE), piece(300, `data: ${deep}\n\ndata: [[1]]\n\n`), end(400))
  const { streams } = JSON.parse((await text('json', file)) ?? '')
  expect(streams[0].events.map(({ data }: { data: unknown }) => data)).toEqual([deep, [[1]]])
})

const chat = (delta: string) => `data: {"choices":[{"delta":{"content":"${delta}"}}]}\n\n`

test.each<[string, string, string, string | null]>([
  ['chat completions', SSE, `${chat('Hel')}${chat('lo')}data: [DONE]\n\n`, 'Hello'],
  [
    'messages',
    SSE,
    'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"Hello"}}\n\n',
    'Hello'
  ],
  ['responses', SSE, 'data: {"type":"response.output_text.delta","delta":"Hello"}\n\n', 'Hello'],
  [
    'a generation',
    SSE,
    'data: {"type":"status","message":"x"}\n\ndata: {"type":"content","text":"Hello"}\n\n',
    'Hello'
  ],
  [
    'NDJSON',
    'application/x-ndjson',
    '{"message":{"content":"Hel"},"done":false}\n{"message":{"content":"lo"},"done":true}\n',
    'Hello'
  ],
  ['plain text', 'text/plain', 'Hello', 'Hello'],
  ['one JSON', 'application/json', '{"choices":[{"message":{"content":"Hello"}}]}', 'Hello'],
  ['a picture', 'image/png', 'Hello', null],
  ['an event without text', SSE, 'data: {"type":"metadata","data":{"tokens":1}}\n\n', null]
])('the text of an answer is found in %s', (_, type, body, answer) => {
  const half = body.length / 2
  const lines = [request(), response(type), piece(210, body.slice(0, half)), piece(220, body.slice(half)), end(230)]
  expect(answerText(streamOf(...lines))).toBe(answer)
})

test('an event stream is saved to the byte', async () => {
  const body = 'id: 7\nevent: text\ndata: {"delta":"Hel"}\n\ndata: €\n\n'
  expect(await text('sse', fileOf(...EVENTS))).toBe(body)
  expect(await text('recording', fileOf(...EVENTS))).toBe(fileOf(...EVENTS))
})

test('of several streams each is under its number', async () => {
  const file = fileOf(...EVENTS, ...two(...EVENTS))
  const body = 'id: 7\nevent: text\ndata: {"delta":"Hel"}\n\ndata: €\n\n'
  expect(await text('sse', file)).toBe(`: stream 1\n${body}\n: stream 2\n${body}\n`)
  expect((await text('curl', file))?.match(/^curl /gm)).toHaveLength(2)
})

test('where there is nothing of the kind, there is none', async () => {
  expect(await text('sse', fileOf(...SOCKET))).toBeNull()
  expect(await text('curl', fileOf(...SOCKET))).toBeNull()
  expect(await text('text', fileOf(...SOCKET))).toBeNull()
})

test('JSON has events as values, and messages of sockets', async () => {
  const { streams } = JSON.parse((await text('json', fileOf(...EVENTS, ...two(...SOCKET)))) ?? '')
  expect(streams[0].events[0]).toEqual({ t: 210.25, name: 'text', id: '7', data: { delta: 'Hel' } })
  expect(streams[0].request.body).toEqual({ text: '{"stream":true}' })
  expect(streams[0].end).toMatchObject({ how: 'whole', t: 300 })
  expect(streams[1].messages).toMatchObject([
    { way: 'up', opcode: 1, text: 'hello' },
    { way: 'down', opcode: 2, base64: 'AAH/' },
    { way: 'down', opcode: 8 }
  ])
})

const PLANTED = 'planted-0123456789-planted'

/** A stream whose page sent the planted credential wherever it could, and whose server said it again; `masked`: as recorded. */
function planted(masked: boolean): string {
  const redaction = new Redaction()
  const heads = {
    headers: [
      ['authorization', `Bearer ${PLANTED}`],
      ['x-api-key', PLANTED],
      ['content-type', 'application/json']
    ] as [string, string][],
    url: `https://api.example.com/v1?key=${PLANTED}`
  }
  const kept = { headers: redaction.headers(heads.headers), url: redaction.url(heads.url) }
  const body = (way: 'up' | 'down', data: string) => {
    if (!masked) return data
    const masking = new Masking(way, redaction.needles, 'application/json')
    return new TextDecoder().decode([...masking.push(new TextEncoder().encode(data), 0), ...masking.end()][0]?.data)
  }
  const asked = body('up', `{"api_key":"${PLANTED}"}`)
  return fileOf(
    request({ method: 'POST', ...(masked ? kept : heads) }),
    piece(0, asked, { way: 'up' }),
    response(SSE),
    piece(210, body('down', `data: {"choices":[{"delta":{"content":"you sent ${PLANTED}"}}]}\n\n`)),
    end(220)
  )
}

test.each(FORMATS)('no credential of the page is in %s, and it would be found there', async (format) => {
  expect(await text(format, planted(false))).toContain(PLANTED)
  expect(await text(format, planted(true))).not.toContain(PLANTED)
})
