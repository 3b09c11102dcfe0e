import { describe, expect, test, vi } from 'vitest'
import { RpcError } from '../../src/rpc/errors'
import { all, failing, of, source, turns, withPlain } from './pair'

describe('a plain peer', () => {
  test('gets and sends the plain messages and no others', async () => {
    const { peer, plain, messages } = withPlain()
    await peer.opened
    expect(peer.extended).toBe(false)
    const sent = peer.sendStream(of({ a: 1 }, 2), 's', { batch: { items: 2 } })
    expect(await sent).toBe('s')
    const [, stream] = peer.receiveStream('r')
    plain.send('{"type":"StreamData","streamId":"r","payload":{"b":1}}')
    plain.send('{"type":"StreamData","streamId":"r","payload":2}')
    plain.send('{"type":"StreamEnd","streamId":"r"}')
    expect(await all(stream)).toEqual([{ b: 1 }, 2])
    const [, failed] = peer.receiveStream('f')
    plain.send('{"type":"StreamError","streamId":"f","error":"it broke"}')
    expect(await failing(failed.getReader().read())).toMatchObject({ code: 'REMOTE', message: 'it broke' })
    const [, left] = peer.receiveStream('l')
    await left.cancel()
    await turns()
    expect(messages()).toEqual([
      { type: 'StreamData', streamId: 's', payload: { a: 1 } },
      { type: 'StreamData', streamId: 's', payload: 2 },
      { type: 'StreamEnd', streamId: 's' }
    ])
  })

  test('is told an error as a text', async () => {
    const { peer, messages } = withPlain()
    // biome-ignore lint/correctness/useYield: it throws at once
    const bad = async function* (): AsyncGenerator<number> {
      throw new RpcError('X', 'it broke')
    }
    expect((await failing(peer.sendStream(bad(), 's'))).code).toBe('X')
    expect(messages()).toEqual([{ type: 'StreamError', streamId: 's', error: 'it broke' }])
  })

  test('cannot be sent bytes', async () => {
    const { peer, messages } = withPlain()
    expect((await failing(peer.sendStream(of(new Uint8Array(3)), 's'))).code).toBe('BINARY_UNSUPPORTED')
    expect(messages()).toMatchObject([{ type: 'StreamError', streamId: 's' }])
  })

  test('slows an iterator by bufferedAmount, and it goes on', async () => {
    const { peer, socket } = withPlain({ maxBufferedAmount: 'low', backpressureDelay: 'fast' })
    await peer.opened
    socket.hold()
    const endless = source()
    void peer.sendStream(endless.items, 's')
    await turns(20_000)
    const { given } = endless.state
    await turns(200)
    expect(endless.state.given).toBe(given)
    expect(socket.bufferedAmount).toBeGreaterThan(256 * 1024)
    expect(socket.bufferedAmount).toBeLessThan(256 * 1024 + 100)
    socket.flow()
    await vi.waitFor(() => expect(endless.state.given).toBeGreaterThan(given))
    peer.abortStream('s')
  })

  test('is read within a bound, as it cannot be slowed down', async () => {
    const { peer, plain } = withPlain({ maxPlainBytes: 10_000 })
    const [, stream] = peer.receiveStream('r')
    for (let i = 0; i < 200; i++) plain.send('{"type":"StreamData","streamId":"r","payload":"some text"}')
    const reader = stream.getReader()
    await turns(300)
    const error = await failing(
      (async () => {
        while (!(await reader.read()).done);
      })()
    )
    expect(error.code).toBe('BUFFER_FULL')
    expect(peer.counts.incoming).toBe(0)
  })

  test('asks and answers', async () => {
    const { peer, plain, messages } = withPlain()
    peer.match((data) => (data === 'bad' ? Promise.reject(new RpcError('X', 'no')) : { got: data }))
    plain.send('{"category":"request","requestId":"1","data":"x","from":"me"}')
    plain.send('{"category":"request","requestId":"2","data":"bad"}')
    plain.send('{"category":"ping","timestamp":5}')
    const asked = peer.request({ q: 1 })
    await turns()
    const [request] = messages().filter((message) => (message as { category: string }).category === 'request')
    const { requestId } = request as { requestId: string }
    plain.send(JSON.stringify({ category: 'response', requestId, data: 'a' }))
    expect(await asked).toBe('a')
    expect(messages()).toEqual(
      expect.arrayContaining([
        { category: 'response', requestId: '1', data: { got: 'x' } },
        { category: 'error', error: 'no', details: { requestId: '2' } },
        { category: 'pong', timestamp: 5 }
      ])
    )
  })

  test.each([
    ['no JSON', 'nonsense'],
    ['no object', '[1]'],
    ['no streamId', '{"type":"StreamData","payload":1}'],
    ['an empty streamId', '{"type":"StreamData","streamId":"","payload":1}'],
    ['an error that is none', '{"type":"StreamError","streamId":"x"}'],
    ['a request without an id', '{"category":"request","data":1}'],
    ['bytes', new Uint8Array([0, 0, 1]) as Uint8Array<ArrayBuffer>]
  ])('whose message is bad is warned of, and served on: %s', async (_, message) => {
    const onWarning = vi.fn()
    const { peer, plain } = withPlain({ onWarning })
    await peer.opened
    plain.send(message)
    await vi.waitFor(() => expect(onWarning).toHaveBeenCalledOnce())
    expect(onWarning.mock.calls[0]?.[0]).toMatchObject({ code: 'BAD_MESSAGE' })
    const [, stream] = peer.receiveStream('r')
    plain.send('{"type":"StreamEnd","streamId":"r"}')
    expect(await all(stream)).toEqual([])
  })
})
