import { expect, test } from 'vitest'
import { events, stream } from '../../src/client'
import { failureOf, serve, sse } from './server'

/** An event stream of these texts. */
function reading(texts: readonly string[], keepText: boolean | number) {
  const body = texts.map((text) => `data: ${JSON.stringify({ type: 'text', data: text })}\n\n`).join('')
  const told: string[] = []
  const all: string[] = []
  const onText = (added: string, whole: string) => {
    told.push(added)
    all.push(whole)
  }
  const response = new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  return { told, all, reading: events(response, { keepText, onText }) }
}

test('a stream that keeps no text gives all of it and holds none', async () => {
  const { told, all, reading: read } = reading(['one ', 'two ', 'three'], false)
  const seen: string[] = []
  for await (const { text } of read) seen.push(text)
  expect(seen).toEqual(['one ', 'two ', 'three'])
  expect(told).toEqual(seen)
  expect(all).toEqual(['', '', ''])
  expect(read.text).toBe('')
})

test('of a stream that never ends, the newest characters are kept', async () => {
  const texts = Array.from({ length: 5000 }, (_, index) => `${index},`)
  const { all, reading: read } = reading(texts, 100)
  expect((await read.readToCompletion()).text).toBe(texts.join('').slice(-100))
  expect(Math.max(...all.map((text) => text.length))).toBe(100)
})

test('no character is kept by half', async () => {
  const { reading: read } = reading(['a😀', '😀😀'], 3)
  expect((await read.readToCompletion()).text).toBe('😀')
})

test('a cap that is none is refused at once', () => {
  expect(() => reading([], Number.NaN)).toThrow(TypeError)
  expect(() => reading([], -1)).toThrow(TypeError)
})

const MORE = 'data: {"type":"text","data":"hi"}\n\ndata: [DONE]\n\ndata: {"type":"metadata","data":{"tokens":3}}\n\n'

test('reading ends with the event that ends the answer, if it is to', async () => {
  const types = async (until?: 'end-event') => {
    const server = await serve((response) => {
      // It is not ended, as by servers that keep their connections.
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(MORE)
    })
    const seen: string[] = []
    for await (const { type } of stream(server.url, {}, until === undefined ? {} : { until })) seen.push(type)
    await server.gone
    return seen
  }
  expect(await types()).toEqual(['text', 'done', 'metadata'])
  expect(await types('end-event')).toEqual(['text', 'done'])
})

test('an answer without that event is broken', async () => {
  const server = await serve(sse('data: {"type":"text","data":"hi"}\n\n'))
  const read = stream(server.url, {}, { until: 'end-event', retry: false })
  expect(await failureOf(read.readToCompletion())).toMatchObject({ code: 'ENDED_EARLY' })
  expect(read.text).toBe('hi')
})

test('an answer in one piece needs none', async () => {
  const server = await serve((response) => void response.writeHead(500).end())
  const fallback = () => new Response('{"choices":[{"message":{"content":"whole"}}]}', { headers: JSON_TYPE })
  const read = stream(server.url, {}, { until: 'end-event', retry: false, fallback })
  expect((await read.readToCompletion()).text).toBe('whole')
})

const JSON_TYPE = { 'content-type': 'application/json' }
