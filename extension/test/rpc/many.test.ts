import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { all, pair, source, turns } from './pair'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const NOTHING = { outgoing: 0, incoming: 0, requests: 0, unclaimedBytes: 0, closedIds: 0 }

test('ten thousand streams, one after the other, leave nothing', async () => {
  const { client, server, sockets } = await pair()
  const some = async (): Promise<number> => {
    for (let i = 0; i < 1000; i++) {
      const [, there] = server.receiveStream(`s${i}`)
      if (i % 30 === 0) {
        const sent = client.sendStream(source().items, `s${i}`)
        for await (const _ of there) break
        await sent.catch(() => undefined)
      } else {
        void client.sendStream([1, new Uint8Array(2), 'x'], `s${i}`)
        expect(await all(there)).toHaveLength(3)
      }
    }
    await turns()
    for (const socket of sockets) socket.sent.length = 0
    collect()
    return process.memoryUsage().heapUsed
  }
  await some()
  const figures: number[] = []
  for (let i = 0; i < 9; i++) figures.push(await some())
  expect([client.counts, server.counts]).toEqual([NOTHING, NOTHING])
  // Were but a promise kept of each, it would be 1 MB.
  const grown = Math.min(...figures.slice(-3)) - Math.min(...figures.slice(0, 3))
  expect(grown).toBeLessThan(500_000)
})

test('ten thousand streams at once', async () => {
  const { client, server } = await pair({ maxStreams: 10_000 }, { maxStreams: 10_000 })
  const streams = Array.from({ length: 10_000 }, () => server.receiveStream())
  const sent = streams.map(([id]) => client.sendStream([1, 2], id))
  const got = await Promise.all(streams.map(([, stream]) => all(stream)))
  expect(got.every((items) => items.length === 2)).toBe(true)
  await Promise.all(sent)
  await turns()
  expect([client.counts, server.counts]).toEqual([NOTHING, NOTHING])
})
