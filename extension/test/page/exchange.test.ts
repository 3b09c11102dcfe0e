// One call's end, as the page is told of it: once, when all of the response is here, and never else.

import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { StreamEnd } from '../../src/page/api'
import { Body } from '../../src/page/body'
import { Exchange } from '../../src/page/exchange'
import type { RequestHead } from '../../src/page/request'
import type { Payload } from '../../src/page/request-body'
import type { FromPage, StreamHeadersFields, StreamEnd as WireEnd } from '../../src/protocol/bridge'

// Before the shim takes it.
const { reported } = vi.hoisted(() => {
  const reported: unknown[] = []
  globalThis.reportError = (error) => reported.push(error)
  return { reported }
})

let told: StreamEnd[]
let posted: FromPage[]
let aborter: AbortController

beforeEach(() => {
  told = []
  posted = []
  reported.length = 0
  aborter = new AbortController()
})

function begin(
  onEnd: RequestHead['onEnd'] = (end) => told.push(end),
  method = 'GET',
  payload: Payload = { body: { kind: 'none' }, source: null }
): [Exchange, Promise<Response>] {
  const head: RequestHead = {
    method,
    url: 'https://api.example.com/',
    headers: [],
    redirect: 'follow',
    signal: aborter.signal,
    integrity: null,
    timeouts: {},
    durable: null,
    onUploadProgress: null,
    onEnd
  }
  const host = { post: (message: FromPage) => posted.push(message), closed: () => undefined }
  let exchange: Exchange | undefined
  const response = new Promise<Response>((resolve, reject) => {
    exchange = new Exchange(1, head, host, { resolve, reject })
  })
  if (exchange === undefined) throw new Error('a promise runs its executor at once')
  exchange.start(payload)
  return [exchange, response]
}

const head = (status = 200): StreamHeadersFields => {
  return {
    type: 'STREAM_HEADERS',
    id: 1,
    url: 'https://api.example.com/',
    redirected: false,
    status,
    reason: '',
    headers: []
  }
}
const chunk = (text: string, offset = 0) => {
  return { type: 'STREAM_CHUNK', id: 1, offset, data: new TextEncoder().encode(text) } as const
}
const end = (bytes: number, timings: WireEnd['timings'] = { total_ms: 9 }): WireEnd => {
  return { type: 'STREAM_END', id: 1, bytes, completeness: 'chunked', timings }
}

describe('onEnd', () => {
  test('has the numbers of the end under the names that pages use', async () => {
    const [exchange, response] = begin()
    exchange.receive(head())
    exchange.receive(chunk('abc'))
    expect(told).toEqual([])
    exchange.receive(end(3, { connected_ms: 1, headers_ms: 2, first_byte_ms: 3, total_ms: 4 }))
    expect(await (await response).text()).toBe('abc')
    const timings = { connected: 1, headers: 2, firstByte: 3, total: 4 }
    expect(told).toEqual([{ bytes: 3, completeness: 'chunked', timings }])
  })

  test('is told of no time that is not known', () => {
    const [exchange] = begin()
    exchange.receive(head())
    exchange.receive(end(0, { headers_ms: 2, total_ms: 4 }))
    expect(told.map(({ timings }) => Object.entries(timings))).toEqual([
      [
        ['headers', 2],
        ['total', 4]
      ]
    ])
  })

  test('does not wait for the page to read', async () => {
    const [exchange, response] = begin()
    exchange.receive(head())
    exchange.receive(chunk('abc'))
    exchange.receive(end(3))
    expect(told).toHaveLength(1)
    expect(await (await response).text()).toBe('abc')
    expect(told).toHaveLength(1)
  })

  test.each([
    ['HEAD', 200],
    ['GET', 204]
  ])('is called for a response without a body: %s, %d', (method, status) => {
    const [exchange] = begin((end) => told.push(end), method)
    exchange.receive(head(status))
    exchange.receive({ ...end(0), completeness: 'none' })
    expect(told).toMatchObject([{ bytes: 0, completeness: 'none' }])
  })

  test('that throws is the page’s own uncaught error, and the body is whole', async () => {
    const [exchange, response] = begin(() => {
      throw new RangeError('mine')
    })
    exchange.receive(head())
    exchange.receive(chunk('abc'))
    exchange.receive(end(3))
    expect(await (await response).text()).toBe('abc')
    expect(reported).toEqual([new RangeError('mine')])
  })

  test('may abort, as far as there is something left: what the page has not read yet', async () => {
    const [exchange, response] = begin(() => aborter.abort('late'))
    exchange.receive(head())
    exchange.receive(chunk('abc'))
    exchange.receive(end(3))
    await expect((await response).text()).rejects.toBe('late')
    // The host has let go of it.
    expect(posted.map(({ type }) => type)).toEqual(['STREAM_START'])
  })

  test.each<[string, (exchange: Exchange, response: Promise<Response>) => unknown]>([
    [
      'an error',
      (exchange) => {
        const told = { code: 'UPSTREAM_RESET', message: 'reset', phase: 'body', retryable: true } as const
        exchange.receive({ type: 'STREAM_ERROR', id: 1, ...told })
      }
    ],
    ['an abort', () => aborter.abort()],
    ['a cancel', async (_, response) => (await response).body?.cancel()],
    ['a lost bridge', (exchange) => exchange.bridgeLost('gone', null)],
    ['an end at another offset', (exchange) => exchange.receive(end(4))]
  ])('is not called for %s', async (_, happens) => {
    const [exchange, response] = begin()
    exchange.receive(head())
    exchange.receive(chunk('abc'))
    await happens(exchange, response)
    await (await response).text().catch(() => undefined)
    expect(told).toEqual([])
  })
  test('is not called for a response that the page let go of, whose upload goes on', () => {
    const opened = vi.spyOn(Body.prototype, 'open')
    const source = { read: () => new Promise<never>(() => undefined), cancel: () => undefined, again: null }
    const [exchange] = begin((end) => told.push(end), 'POST', { body: { kind: 'stream' }, source })
    exchange.receive({ type: 'STREAM_BODY_ACK', id: 1, consumed: 0, window: 65_536 })
    exchange.receive(head())
    exchange.receive(chunk('abc'))
    const [body] = opened.mock.contexts as unknown as Body[]
    body?.collect() // as its finalizer does
    exchange.receive(end(3))
    expect(posted.map(({ type }) => type)).toEqual(['STREAM_START', 'STREAM_ACK'])
    expect(told).toEqual([])
  })
})
