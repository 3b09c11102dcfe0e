import { SAMPLE_MS, type Sample } from './rates'

/**
 * For each sample but the first how fast it went since the one before it: seconds since the epoch, bytes per second.
 *
 * @param now of a stream that lives, on the wall clock, milliseconds. Since the last sample nothing came: a stream that has
 *   stalled is seen to have.
 */
export function ratesOf(
  samples: readonly Sample[],
  now: number | null = null
): [x: number[], received: number[], sent: number[]] {
  const data: [number[], number[], number[]] = [[], [], []]
  const add = (at: number, received: number, sent: number) => {
    data[0].push(at / 1000)
    data[1].push(received)
    data[2].push(sent)
  }
  for (const [i, sample] of samples.entries()) {
    const before = samples[i - 1]
    if (before === undefined || sample.at <= before.at) continue
    const ms = sample.at - before.at
    add(sample.at, ((sample.received - before.received) * 1000) / ms, ((sample.sent - before.sent) * 1000) / ms)
  }
  const last = samples.at(-1)
  if (last !== undefined && now !== null && now - last.at >= 2 * SAMPLE_MS) {
    add(last.at + SAMPLE_MS, 0, 0)
    add(now, 0, 0)
  }
  return data
}
