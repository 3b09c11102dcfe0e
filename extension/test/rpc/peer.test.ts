import { describe, expect, test, vi } from 'vitest'
import { accept } from '../../src/rpc/accepting'
import { RpcError } from '../../src/rpc/errors'
import { Peer } from '../../src/rpc/peer'
import { all, ends, failing, NOTHING, of, pair, source, turns } from './pair'

describe('streams between two of ours', () => {
  test('items of every kind arrive as they were, in both directions at once', async () => {
    const { client, server } = await pair()
    const items = [0, 'text', null, { deep: [true, 'é😀'] }, [], '']
    const [id, there] = server.receiveStream()
    const [back, here] = client.receiveStream('back')
    const sent = client.sendStream(of(...items), id)
    const echoed = server.sendStream(of(...items, new Uint8Array([0, 255, 1])), back)
    expect(await all(there)).toEqual(items)
    expect(await all(here)).toEqual([...items, new Uint8Array([0, 255, 1])])
    expect([await sent, await echoed]).toEqual([id, 'back'])
    await turns()
    expect([client.counts, server.counts]).toEqual([NOTHING, NOTHING])
  })

  test('bytes go without base64', async () => {
    const { client, server, sockets } = await pair({ compress: false })
    const bytes = crypto.getRandomValues(new Uint8Array(60_000))
    const [, there] = server.receiveStream('a')
    void client.sendStream(of(bytes, bytes.buffer, new DataView(bytes.buffer, 2, 3)), 'a')
    expect(await all(there)).toEqual([bytes, bytes, bytes.slice(2, 5)])
    const sent = sockets[0].sent.filter((message) => typeof message !== 'string')
    expect(sent).toHaveLength(3)
    expect(sent[0]?.length).toBeLessThan(60_100)
  })

  test('a reader that does not read stops its sender, and nobody else', async () => {
    const { client, server } = await pair()
    const slow = source()
    const [, unread] = server.receiveStream('slow', { window: 65_536 })
    const [, read] = server.receiveStream('fast')
    void client.sendStream(slow.items, 'slow')
    const many = client.sendStream(
      (async function* () {
        for (let i = 0; i < 5_000; i++) yield i
      })(),
      'fast'
    )
    expect(await all(read)).toHaveLength(5_000)
    await many
    await turns(200)
    const { given } = slow.state
    // Each is a message of some 60 bytes, and 64 more.
    expect(given).toBeGreaterThan(100)
    expect(given).toBeLessThan(65_536 / 100)
    await turns(200)
    expect(slow.state.given).toBe(given)
    const reader = unread.getReader()
    for (let i = 0; i < given; i++) expect(await reader.read()).toEqual({ done: false, value: i })
    await turns(200)
    expect(slow.state.given).toBeGreaterThan(given)
  })

  test('what is received with a large window before there is a connection comes whole', async () => {
    const sockets = ends()
    const client = new Peer({}, 'connect', false)
    const [id, items] = client.receiveStream(undefined, { window: 1024 * 1024 })
    client.attach(sockets[0])
    const server = await accept(sockets[1])
    // More than a stream begins with, and less than the reader would say more credit for.
    const sent = server.sendStream(of(...Array<string>(20).fill('x'.repeat(10_000))), id)
    expect(await all(items)).toHaveLength(20)
    await sent
  })

  test('leaving a loop ends the iterator on the other side, and both forget it', async () => {
    const { client, server } = await pair()
    const endless = source()
    const [, there] = server.receiveStream<number>('a')
    const failed = failing(client.sendStream(endless.items, 'a'))
    for await (const item of there) if (item === 3) break
    expect((await failed).code).toBe('CANCELLED')
    await vi.waitFor(() => expect(endless.state.returned).toBe(true))
    await turns()
    expect([client.counts, server.counts]).toEqual([NOTHING, NOTHING])
  })

  test('abortStream ends the iterator here and the reader there', async () => {
    const { client, server } = await pair()
    const endless = source()
    const [, there] = server.receiveStream('a')
    const reader = there.getReader()
    const sent = failing(client.sendStream(endless.items, 'a'))
    await reader.read()
    client.abortStream('a')
    expect((await sent).code).toBe('ABORTED')
    const end = failing(
      (async () => {
        while (!(await reader.read()).done);
      })()
    )
    expect(await end).toMatchObject({ code: 'ABORTED', retryable: false })
    await vi.waitFor(() => expect(endless.state.returned).toBe(true))
  })

  test('closeReceivingStream ends the reader in order, and the iterator on the other side', async () => {
    const { client, server } = await pair()
    const endless = source()
    const [, there] = server.receiveStream('a')
    const reader = there.getReader()
    void client.sendStream(endless.items, 'a')
    await reader.read()
    const last = reader.read().then(() => reader.read())
    server.closeReceivingStream('a')
    expect(await last).toEqual({ done: true, value: undefined })
    await vi.waitFor(() => expect(endless.state.returned).toBe(true))
  })

  test('an iterator’s RpcError arrives as it was, after what it gave', async () => {
    const { client, server } = await pair()
    const [, there] = server.receiveStream('a')
    async function* failingSource(): AsyncGenerator<number> {
      yield 1
      throw new RpcError('QUOTA', 'No more for today', { name: 'QuotaError', retryable: true })
    }
    const sent = failing(client.sendStream(failingSource(), 'a'))
    const reader = there.getReader()
    expect((await reader.read()).value).toBe(1)
    const error = await failing(reader.read())
    expect(error).toMatchObject({ name: 'QuotaError', message: 'No more for today', code: 'QUOTA', retryable: true })
    expect(error.stack).not.toContain('failingSource')
    expect((await sent).code).toBe('QUOTA')
  })

  test.each([
    [false, 'The other side failed', 'FAILED'],
    [true, 'secret path', 'ENOENT']
  ])('another error’s text stays here, unless it is exposed: %s', async (exposeErrors, message, code) => {
    const { client, server } = await pair({ exposeErrors })
    const [, there] = server.receiveStream('a')
    const iterable = {
      // biome-ignore lint/correctness/useYield: it throws at once
      async *[Symbol.asyncIterator](): AsyncGenerator<number> {
        throw Object.assign(new TypeError('secret path'), { code: 'ENOENT' })
      }
    }
    const sent = failing(client.sendStream(iterable, 'a'))
    expect(await failing(there.getReader().read())).toMatchObject({ name: 'TypeError', message, code })
    expect((await sent).cause).toBeInstanceOf(TypeError)
  })

  test.each([
    ['undefined', undefined],
    ['a function', () => 1],
    ['a BigInt', 1n],
    ['a cycle', Object.assign([] as unknown[], { 0: null }).map((_, __, list) => list)]
  ])('a payload that is no JSON ends the stream on both sides: %s', async (_, value) => {
    const { client, server } = await pair()
    const cyclic: Record<string, unknown> = {}
    cyclic['self'] = cyclic
    let returned = false
    async function* bad(): AsyncGenerator<unknown> {
      try {
        yield 1
        yield Array.isArray(value) ? cyclic : value
      } finally {
        returned = true
      }
    }
    const [, there] = server.receiveStream('a')
    const sent = failing(client.sendStream(bad(), 'a'))
    const reader = there.getReader()
    expect((await reader.read()).value).toBe(1)
    expect((await failing(reader.read())).code).toBe('BAD_PAYLOAD')
    expect((await sent).code).toBe('BAD_PAYLOAD')
    await vi.waitFor(() => expect(returned).toBe(true))
  })

  test('an iterator that was used, an id that is in use, what is no iterable', async () => {
    const { client } = await pair()
    const items = of(1)
    void client.sendStream(items, 'a')
    expect(() => client.sendStream(items, 'b')).toThrow(expect.objectContaining({ code: 'ITERATOR_USED' }))
    expect(() => client.sendStream(of(2), 'a')).toThrow(expect.objectContaining({ code: 'STREAM_ID_IN_USE' }))
    const locked = new ReadableStream()
    locked.getReader()
    expect(() => client.sendStream(locked, 'c')).toThrow(expect.objectContaining({ code: 'ITERATOR_USED' }))
    for (const no of [null, 1, 'text', {}]) expect(() => client.sendStream(no as never, 'd')).toThrow(TypeError)
    for (const no of ['', 'x'.repeat(257), 5]) expect(() => client.sendStream(of(1), no as string)).toThrow(TypeError)
    client.receiveStream('a')
    expect(() => client.receiveStream('a')).toThrow(expect.objectContaining({ code: 'STREAM_ID_IN_USE' }))
    expect(client.counts.outgoing).toBe(1)
  })

  test('what throws before there is an iterator is the caller’s, and one whose `next` throws ends its stream', async () => {
    const { client, server } = await pair()
    const thrown = new TypeError('no iterator')
    const never = {
      [Symbol.asyncIterator]: () => {
        throw thrown
      }
    }
    expect(() => client.sendStream(never, 'a')).toThrow(thrown)
    expect(client.counts.outgoing).toBe(0)
    const bad = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          throw thrown
        }
      })
    }
    const [, there] = server.receiveStream('a')
    expect((await failing(client.sendStream(bad, 'a'))).cause).toBe(thrown)
    expect((await failing(there.getReader().read())).code).toBe('FAILED')
    await turns()
    expect([client.counts, server.counts]).toEqual([NOTHING, NOTHING])
  })

  test('what comes before receiveStream waits within its credit, and is read from the first', async () => {
    const { client, server } = await pair()
    const endless = source()
    void client.sendStream(endless.items, 'early')
    await turns(500)
    const { given } = endless.state
    await turns(500)
    expect(endless.state.given).toBe(given)
    expect(server.counts.unclaimedBytes).toBeGreaterThan(60_000)
    expect(server.counts.unclaimedBytes).toBeLessThan(70_000)
    const [, there] = server.receiveStream<number>('early')
    let next = 0
    for await (const item of there) {
      expect(item).toBe(next++)
      if (next === given + 100) break
    }
    expect(server.counts.unclaimedBytes).toBe(0)
  })

  test('what nobody receives ends with UNCLAIMED, and its iterator', async () => {
    const warned = vi.fn()
    const { client, server } = await pair({}, { unclaimedTimeout: 30, onWarning: warned })
    const endless = source()
    expect((await failing(client.sendStream(endless.items, 'lost'))).code).toBe('UNCLAIMED')
    await vi.waitFor(() => expect(endless.state.returned).toBe(true))
    await turns()
    expect(warned).toHaveBeenCalledWith(expect.objectContaining({ code: 'UNCLAIMED' }), 'lost')
    expect([client.counts, server.counts]).toEqual([NOTHING, NOTHING])
  })

  test('too many streams of the other side are refused, and told so', async () => {
    const { client } = await pair({}, { maxStreams: 2 })
    const sent = [1, 2, 3].map((i) => client.sendStream(source().items, `s${i}`))
    expect((await failing(sent[2] as Promise<string>)).code).toBe('TOO_MANY_STREAMS')
  })

  test('an item larger than the other side takes ends its stream only', async () => {
    const { client, server } = await pair({}, { maxMessageBytes: 10_000 })
    const [, there] = server.receiveStream('big')
    const sent = failing(client.sendStream(of('x'.repeat(20_000)), 'big'))
    expect((await failing(there.getReader().read())).code).toBe('TOO_LARGE')
    expect((await sent).code).toBe('TOO_LARGE')
    const [, small] = server.receiveStream('small')
    void client.sendStream(of(1), 'small')
    expect(await all(small)).toEqual([1])
  })

  test('one message larger than the window passes', async () => {
    const { client, server } = await pair({}, { window: 1000 })
    const [, there] = server.receiveStream('a', { window: 1000 })
    const big = new Uint8Array(100_000).fill(7)
    void client.sendStream(of(big, 'after'), 'a')
    expect(await all(there)).toEqual([big, 'after'])
  })

  test('what compresses well goes deflated, and what does not goes as it is', async () => {
    const { client, server, sockets } = await pair()
    const [, there] = server.receiveStream('a')
    const noise = crypto.getRandomValues(new Uint8Array(30_000))
    const text = 'the same again and again, '.repeat(4000)
    void client.sendStream(of(text, noise, 'small'), 'a')
    expect(await all(there)).toEqual([text, noise, 'small'])
    const sizes = sockets[0].sent.map(({ length }) => length)
    expect(Math.max(...sizes)).toBeGreaterThan(30_000)
    expect(sizes.filter((size) => size > 30_200)).toEqual([])
  })

  test('small items go as one message when their stream says so', async () => {
    const { client, server, sockets } = await pair()
    const [, there] = server.receiveStream('a')
    const before = sockets[0].sent.length
    const sent = client.sendStream(of(...Array(250).keys()), 'a', { batch: { items: 100, delay: 10_000 } })
    expect(await all(there)).toEqual([...Array(250).keys()])
    await sent
    const messages = sockets[0].sent.slice(before).filter((message) => String(message).includes('"Stream'))
    expect(messages.map((text) => JSON.parse(text as string).type)).toEqual([
      'StreamBatch',
      'StreamBatch',
      'StreamBatch',
      'StreamEnd'
    ])
  })

  test('a batch that is not full goes after its delay', async () => {
    const { client, server } = await pair()
    const [, there] = server.receiveStream('a')
    async function* waits(): AsyncGenerator<number> {
      yield 1
      await new Promise(() => undefined)
    }
    void client.sendStream(waits(), 'a', { batch: { items: 100, delay: 5 } })
    expect(await there.getReader().read()).toEqual({ done: false, value: 1 })
  })
})

describe('a socket that ends', () => {
  test.each([['client'], ['server']] as const)('by the %s’s break: iterators return, readers are told', async (who) => {
    const { client, server, sockets } = await pair()
    const endless = source()
    const [, there] = server.receiveStream('a')
    const reader = there.getReader()
    const sent = failing(client.sendStream(endless.items, 'a'))
    const asked = failing(client.request('never'))
    server.match(() => new Promise(() => undefined))
    expect(await reader.read()).toEqual({ done: false, value: 0 })
    sockets[who === 'client' ? 0 : 1].cut()
    const ended = await failing(
      (async () => {
        while (!(await reader.read()).done);
      })()
    )
    expect(ended).toMatchObject({ code: 'CONNECTION_CLOSED', phase: 'open', closeCode: 1006, retryable: true })
    expect(ended.message).toContain('Connection closed')
    expect(await sent).toMatchObject({ code: 'CONNECTION_CLOSED', closeCode: 1006 })
    expect(await asked).toMatchObject({ code: 'CONNECTION_CLOSED' })
    await vi.waitFor(() => expect(endless.state.returned).toBe(true))
    expect(await client.closed).toEqual({ code: 1006, reason: '' })
    expect([client.counts, server.counts]).toEqual([NOTHING, NOTHING])
    expect(() => client.sendStream(of(1))).toThrow(expect.objectContaining({ code: 'CONNECTION_CLOSED' }))
    expect(() => client.receiveStream()).toThrow(expect.objectContaining({ code: 'CONNECTION_CLOSED' }))
    expect((await failing(client.request(1))).code).toBe('CONNECTION_CLOSED')
  })

  test('a peer that is closed tells the other side code and reason', async () => {
    const { client, server } = await pair()
    const [, there] = server.receiveStream('a')
    client.close(4001, 'enough')
    expect(await server.closed).toEqual({ code: 4001, reason: 'enough' })
    expect(await failing(there.getReader().read())).toMatchObject({ closeCode: 4001, closeReason: 'enough' })
    expect(() => client.close(1006)).toThrow(TypeError)
    expect(() => client.close(1000, 'é'.repeat(62))).toThrow(TypeError)
  })
})

test('options that are none, or cannot be, are misuse', async () => {
  const { client } = await pair()
  const bad = [{ urgency: 8 }, { rate: 0 }, { batch: { items: 0 } }, { batch: { dealy: 1 } }, { prio: 1 }]
  for (const options of bad) expect(() => client.sendStream(of(1), 'a', options as object)).toThrow(TypeError)
  expect(() => client.receiveStream('a', { window: 0 })).toThrow(TypeError)
  for (const options of [{ window: 0 }, { maxBufferedAmount: 'huge' }, { windw: 1 }]) {
    await expect(pair(options as object)).rejects.toThrow(TypeError)
  }
})
