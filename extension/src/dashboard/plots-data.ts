import type { Sample } from './rates'

/** For each sample but the first how fast it went since the one before it: seconds since the epoch, bytes per second. */
export function ratesOf(samples: readonly Sample[]): [x: number[], received: number[], sent: number[]] {
  const data: [number[], number[], number[]] = [[], [], []]
  for (const [i, sample] of samples.entries()) {
    const before = samples[i - 1]
    if (before === undefined || sample.at <= before.at) continue
    const ms = sample.at - before.at
    data[0].push(sample.at / 1000)
    data[1].push(((sample.received - before.received) * 1000) / ms)
    data[2].push(((sample.sent - before.sent) * 1000) / ms)
  }
  return data
}
