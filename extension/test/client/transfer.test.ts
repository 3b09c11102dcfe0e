import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { StreamError } from '../../src/client/errors'
import { checkConnection } from '../../src/client/health-check'
import { stream } from '../../src/client/stream'
import { asStream, type DownloadProgress, downloading } from '../../src/client/transfer'
import { body, failureOf, inTurn, serve, sse } from './server'

test('an async iterable of text and bytes is a body, and is asked piece by piece', async () => {
  const server = await serve(sse('data: a\n\n'))
  async function* pieces() {
    yield 'one '
    yield new TextEncoder().encode('two')
  }
  const { text } = await stream(server.url, { method: 'POST', body: pieces() }).readToCompletion()
  expect(text).toBe('a')
  expect(server.received[0]?.body).toBe('one two')
})

test('an iterator that fails, fails the request, which is not sent again', async () => {
  const server = await serve(inTurn((response) => void response.socket?.destroy(), sse('data: a\n\n')))
  async function* failing() {
    yield 'one'
    throw new Error('the source failed')
  }
  const error = await failureOf(stream(server.url, { method: 'PUT', body: failing() }).readToCompletion())
  expect(error).toBeInstanceOf(StreamError)
  expect(error).toMatchObject({ category: 'NETWORK' })
})

test('an iterator that nobody asks any more is ended', async () => {
  let ended = false
  let asked = 0
  async function* endless() {
    try {
      for (;;) yield `${++asked}`
    } finally {
      ended = true
    }
  }
  const reader = asStream(endless()).getReader()
  await reader.read()
  expect(asked).toBe(1)
  await reader.cancel()
  expect(ended).toBe(true)
})

test('a buffer that was given away is refused at once', () => {
  const buffer = new ArrayBuffer(8)
  structuredClone(buffer, { transfer: [buffer] })
  expect(() => stream('http://localhost/', { method: 'POST', body: buffer })).toThrow(TypeError)
})

test('a download says how much has come, of how much', async () => {
  const { url } = await serve(inTurn(body('x'.repeat(1000), { 'content-length': '1000' }), body('', {})))
  const seen: DownloadProgress[] = []
  const blob = await new Response(downloading(await fetch(url), (progress) => seen.push(progress))).blob()
  expect(blob.size).toBe(1000)
  expect(seen.at(-1)).toEqual({ bytes: 1000, total: 1000 })
  expect(await new Response(downloading(await fetch(url), () => undefined)).text()).toBe('')
})

test('a length that counts compressed bytes is no total', async () => {
  const response = new Response('x', { headers: { 'content-length': '9', 'content-encoding': 'gzip' } })
  const seen: DownloadProgress[] = []
  await new Response(downloading(response, (progress) => seen.push(progress))).text()
  expect(seen).toEqual([{ bytes: 1, total: undefined }])
})

test('a test of the connection tells, and never rejects', async () => {
  const { url } = await serve(inTurn(body('', {}, 200), body('no', {}, 503), () => undefined))
  expect(await checkConnection(url)).toMatchObject({ ok: true, status: 200, error: undefined })
  expect(await checkConnection(url)).toMatchObject({
    ok: false,
    status: 503,
    error: { code: 'HTTP_STATUS', body: 'no' }
  })
  expect(await checkConnection(url, { timeout: 20 })).toMatchObject({ ok: false, error: { code: 'HEADERS_TIMEOUT' } })
  expect(await checkConnection('http://')).toMatchObject({ ok: false, error: { category: 'NETWORK' } })

  const closed = createServer()
  const port = await new Promise((resolve) => {
    closed.listen(0, '127.0.0.1', () => resolve((closed.address() as { port: number }).port))
  })
  await new Promise((resolve) => closed.close(resolve))
  expect(await checkConnection(`http://127.0.0.1:${port}/`)).toMatchObject({
    ok: false,
    error: { code: 'FETCH_FAILED' }
  })
})
