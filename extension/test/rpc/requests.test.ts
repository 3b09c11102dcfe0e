import { describe, expect, test, vi } from 'vitest'
import { RpcError } from '../../src/rpc/errors'
import { failing, NOTHING, pair, turns } from './pair'

describe('requests', () => {
  test('are answered by the first handler that has an answer', async () => {
    const { client, server } = await pair()
    server.match(() => undefined)
    const undo = server.match((data: { add?: number[] }) => data.add?.reduce((a, b) => a + b))
    server.match(async (data) => ({ echo: data }))
    expect(await client.request({ add: [1, 2] })).toBe(3)
    expect(await client.request('x')).toEqual({ echo: 'x' })
    undo()
    expect(await client.request({ add: [1] })).toEqual({ echo: { add: [1] } })
  })

  test('fail with what the handler threw, with NO_ANSWER, or in time', async () => {
    const { client, server } = await pair()
    const signals: AbortSignal[] = []
    server.match((what, { signal }) => {
      signals.push(signal)
      if (what === 'rpc') throw new RpcError('DENIED', 'Not you')
      if (what === 'plain') throw new Error('secret')
      if (what === 'hang') return new Promise(() => undefined)
      if (what === 'bad') return 1n
      return undefined
    })
    expect(await failing(client.request('rpc'))).toMatchObject({ code: 'DENIED', message: 'Not you' })
    expect(await failing(client.request('plain'))).toMatchObject({ code: 'FAILED', message: 'The other side failed' })
    expect((await failing(client.request('bad'))).code).toBe('BAD_PAYLOAD')
    expect((await failing(client.request('other'))).code).toBe('NO_ANSWER')
    expect((await failing(client.request('hang', { timeout: 20 }))).code).toBe('REQUEST_TIMEOUT')
    await vi.waitFor(() => expect(signals.at(-1)?.aborted).toBe(true))
    const controller = new AbortController()
    const asked = client.request('hang', { signal: controller.signal })
    await turns()
    controller.abort('my reason')
    await expect(asked).rejects.toBe('my reason')
    await vi.waitFor(() => expect(signals.at(-1)?.aborted).toBe(true))
    await expect(client.request(1n)).rejects.toMatchObject({ code: 'BAD_PAYLOAD' })
    await expect(client.request(1, { timeout: 0 })).rejects.toThrow(TypeError)
    expect([client.counts, server.counts]).toEqual([NOTHING, NOTHING])
  })

  test('send is answered by nobody', async () => {
    const { client, server } = await pair()
    const seen = vi.fn(() => 'answer')
    server.match(seen)
    client.send({ hello: 1 })
    await vi.waitFor(() => expect(seen).toHaveBeenCalledWith({ hello: 1 }, expect.anything()))
    await turns()
    expect(server.counts).toEqual(NOTHING)
  })

  test('too many at once are refused', async () => {
    const { client, server } = await pair({ maxRequests: 300 }, { maxRequests: 2 })
    server.match(() => new Promise(() => undefined))
    const asked = [1, 2, 3].map((i) => client.request(i))
    expect(await failing(asked[2] as Promise<unknown>)).toMatchObject({ code: 'TOO_MANY_REQUESTS', retryable: true })
  })

  test('of more that nobody answers than handlers take is no more heard', async () => {
    const onWarning = vi.fn()
    const { client, server } = await pair({}, { onWarning })
    server.match((data) => (data === 'wait' ? new Promise(() => undefined) : null))
    // What was handled counts no more.
    for (let i = 0; i < 24_000; i++) client.send('done')
    await client.request('done')
    expect(onWarning).not.toHaveBeenCalled()
    for (let i = 0; i < 20_001; i++) client.send('wait')
    expect(await client.closed).toMatchObject({ code: 4008 })
    expect(onWarning.mock.calls[0]?.[0].message).toContain('too many messages unhandled')
  })
})
