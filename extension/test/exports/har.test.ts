// A HAR is one by the 1.2 schema, and says when each event and message was.

import { readdirSync, readFileSync } from 'node:fs'
import Ajv, { type ValidateFunction } from 'ajv'
import draft06 from 'ajv/dist/refs/json-schema-draft-06.json'
import addFormats from 'ajv-formats'
import { describe, expect, test } from 'vitest'
import { toHar } from '../../src/exports/har'
import { EVENTS, end, piece, recordingOf, request, response, SOCKET } from './recorded'

const ajv = new Ajv({ strict: false, allErrors: true })
ajv.addMetaSchema(draft06)
addFormats(ajv)
const folder = new URL('../../node_modules/har-schema/lib/', import.meta.url)
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  // What is bounded there by `min`, which no validator knows.
  const text = readFileSync(new URL(file, folder), 'utf8').replaceAll('"min":', '"minimum":')
  ajv.addSchema(JSON.parse(text))
}
const isHar = ajv.getSchema('har.json#') as ValidateFunction

interface Entry {
  time: number
  startedDateTime: string
  request: { postData?: { text: string; mimeType: string } }
  response: { status: number; content: { size: number; text?: string; encoding?: string } }
  timings: { wait: number; receive: number }
  comment?: string
  _eventSourceMessages?: unknown[]
  _webSocketMessages?: unknown[]
  _error?: string
}

function har(...lines: Parameters<typeof recordingOf>): Entry {
  const made = JSON.parse(JSON.stringify(toHar(recordingOf(...lines), '1.0'))) as { log: { entries: Entry[] } }
  isHar(made)
  expect(isHar.errors ?? []).toEqual([])
  return made.log.entries[0] as Entry
}

describe('of an event stream', () => {
  const entry = har(...EVENTS)

  test('it has the events with the time of day in seconds, each when it was whole', () => {
    const began = Date.parse('2026-12-01T03:00:00Z') / 1000
    expect(entry._eventSourceMessages).toEqual([
      { time: began + 0.335667, eventName: 'text', eventId: '7', data: '{"delta":"Hel"}' },
      { time: began + 0.38554, eventName: 'message', eventId: '7', data: '€' }
    ])
  })

  test('it has both bodies and the times', () => {
    expect(entry.request.postData).toEqual({ mimeType: 'application/json', text: '{"stream":true}' })
    expect(entry.response.content.text).toContain('data: €\n\n')
    expect(entry.response.content.size).toBe(new TextEncoder().encode(entry.response.content.text).length)
    expect(entry.time).toBe(300)
    expect(entry.timings).toMatchObject({ wait: 200.5, receive: 99.5 })
    expect(entry.startedDateTime).toBe('2026-12-01T03:00:00.125Z')
  })
})

test('of a socket it has the messages both ways, whole, and not the close', () => {
  const entry = har(...SOCKET)
  const began = Date.parse('2026-12-01T03:00:00Z') / 1000
  expect(entry._webSocketMessages).toEqual([
    { type: 'send', time: began + 0.335417, opcode: 1, data: 'hello' },
    { type: 'receive', time: began + 0.355917, opcode: 2, data: 'AAH/' }
  ])
  expect(entry.response.status).toBe(101)
})

test.each([
  ['bytes', [request(), response('application/octet-stream'), piece(210, new Uint8Array([255, 0])), end(220)]],
  [
    'no answer',
    [request(), end(70, { how: 'error', code: 'UPSTREAM_DNS', message: 'There is none.', phase: 'connect' })]
  ],
  ['what the page stopped', [...EVENTS.slice(0, -1), end(300, { how: 'stopped', reason: 'signal' })]],
  ['what was still open', EVENTS.slice(0, -1)],
  [
    'a generation',
    [request({ kind: 'generation', url: 'longwire:generate' }), response('text/event-stream'), end(300)]
  ],
  ['an empty answer', [request(), response('text/plain', { status: 204, headers: [] }), end(220)]],
  ['a query', [request({ url: 'https://a.example/?a=1&key=(secret:key)&b' }), end(1)]]
])('of %s it is one, too', (_, lines) => {
  har(...lines)
})

test('what is not text is base64, and what failed says why', () => {
  const { content } = har(request(), response('image/png'), piece(210, new Uint8Array([255, 0])), end(220)).response
  expect(content).toEqual({ size: 2, mimeType: 'image/png', text: '/wA=', encoding: 'base64' })
  const failed = har(
    request(),
    end(70, { how: 'error', code: 'UPSTREAM_DNS', message: 'No such name.', phase: 'connect' })
  )
  expect(failed).toMatchObject({ _error: 'UPSTREAM_DNS', comment: 'No such name.', response: { status: 0 } })
})

test('the schema finds what is none', () => {
  const made = JSON.parse(JSON.stringify(toHar(recordingOf(...EVENTS), '1.0'))) as { log: { entries: Entry[] } }
  const [entry] = made.log.entries
  if (entry !== undefined) entry.startedDateTime = '2026-12-01 03:00'
  expect(isHar(made)).toBe(false)
})
