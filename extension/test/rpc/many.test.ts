import { queryObjects } from 'node:v8'
import { expect, test } from 'vitest'
import { times, WHOLE } from '../effort'
import { all, NOTHING, pair, source, turns } from './pair'

const EACH = times(1000, 100)

test(`${10 * EACH} streams, one after the other, leave nothing`, async () => {
  const { client, server, sockets } = await pair()
  const some = async (): Promise<readonly [objects: number, bytes: number]> => {
    for (let i = 0; i < EACH; i++) {
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
    // Whatever is alive: promises, listeners, errors, maps. It collects garbage first.
    const objects = queryObjects(Object, { format: 'count' }) as unknown as number
    return [objects, process.memoryUsage().heapUsed]
  }
  await some()
  const figures: (readonly [number, number])[] = []
  for (let i = 0; i < 9; i++) figures.push(await some())
  expect([client.counts, server.counts]).toEqual([NOTHING, NOTHING])
  const grown = ([0, 1] as const).map((which) => {
    const each = figures.map((figure) => figure[which])
    return Math.min(...each.slice(-3)) - Math.min(...each.slice(0, 3))
  })
  // Were but a promise kept of each, it would be six times this.
  expect(grown[0]).toBeLessThan(EACH)
  // The same in bytes, of which the code itself takes too many for a slice.
  if (WHOLE) expect(grown[1]).toBeLessThan(500_000)
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
