import { expect, test } from 'vitest'
import { events, type StreamStatus, stream } from '../../src/client'
import { asStream } from '../../src/client/transfer'
import { body, cut, failureOf, inTurn, serve, sse } from './server'

const HELLO = sse('data: hello\n\ndata: [DONE]\n\n')

test('a stream that failed is asked for once more, as a new one', async () => {
  const server = await serve(inTurn(body('', {}, 500), HELLO))
  const first = stream(server.url, { method: 'POST', body: 'once' }, { retry: false })
  expect(await failureOf(first.readToCompletion())).toMatchObject({ code: 'HTTP_STATUS' })
  const second = first.retry()
  expect(second).not.toBe(first)
  expect((await second.readToCompletion()).text).toBe('hello')
  expect(first.text).toBe('')
  expect(server.received.map(({ method, body: sent }) => [method, sent])).toEqual([
    ['POST', 'once'],
    ['POST', 'once']
  ])
})

test('one that was stopped begins at the beginning, one that resumes goes on with its text', async () => {
  const server = await serve(inTurn(cut('id: 7\ndata: one\n\n'), sse('id: 8\ndata: two\n\ndata: [DONE]\n\n')))
  const first = stream(server.url, {}, { resume: true, retry: false })
  expect(await failureOf(first.readToCompletion())).toMatchObject({ code: 'BODY_FAILED' })
  const second = first.retry()
  expect((await second.readToCompletion()).text).toBe('onetwo')
  expect(server.received.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '7'])
  expect((await second.retry().readToCompletion()).text).toBe('onetwotwo')

  const plain = stream(server.url)
  for await (const _ of plain) plain.cancel()
  expect(plain.text).toBe('two')
  expect((await plain.retry().readToCompletion()).text).toBe('two')
})

test('a button that is pressed while it waits ends the wait', async () => {
  const server = await serve(inTurn(body('', { 'retry-after': '3600' }, 503), HELLO))
  let waits: (status: StreamStatus) => void = () => {}
  const waiting = new Promise<StreamStatus>((resolve) => {
    waits = resolve
  })
  const onStatus = (status: StreamStatus) => {
    if (status.state === 'waiting') waits(status)
  }
  const reading = stream(server.url, {}, { onStatus, retry: { maxRetryAfter: 4e6 } })
  const over = reading.readToCompletion()
  expect(await waiting).toMatchObject({ delay: 3_600_000 })
  expect(reading.retry()).toBe(reading)
  expect((await over).text).toBe('hello')
})

test('one that was stopped a moment ago is over, though it has not said so', async () => {
  const server = await serve(HELLO)
  const reading = stream(server.url)
  for await (const _ of reading) {
    reading.cancel()
    expect((await reading.retry().readToCompletion()).text).toBe('hello')
    break
  }
  expect(server.received).toHaveLength(2)
})

test('one that is under way, or has not begun, is left alone', async () => {
  const server = await serve(HELLO)
  const reading = stream(server.url)
  expect(reading.retry()).toBe(reading)
  for await (const _ of reading) expect(reading.retry()).toBe(reading)
  expect(server.received).toHaveLength(1)
})

test('what cannot be sent again says why', async () => {
  const server = await serve(HELLO)
  async function* pieces() {
    yield 'a'
  }
  const sent = stream(server.url, { method: 'POST', body: asStream(pieces()) })
  await sent.readToCompletion()
  expect(() => sent.retry()).toThrow('The body of the request was a stream')
  const read = events(await fetch(server.url))
  await read.readToCompletion()
  expect(() => read.retry()).toThrow('Only what `stream` has sent')
})
