// How much of a stream its view is shown, by how fast it is. All else of it is told in dashboard-desk.test.ts.

import { expect, test } from 'vitest'
import { LOOK_BYTES_PER_SECOND, Look, SAMPLE_BYTES_PER_SECOND } from '../../src/worker/look'
import type { ObservedStream, Piece } from '../../src/worker/observer'
import { record } from '../dashboard/samples'

const SIZE = 16 * 1024
/** A piece counts for a little more than its bytes. */
const WITHIN = 0.02

/** Bytes a second that are shown of a stream of so many, after `settle` seconds. */
function shownOf(perSecond: number, settle: number): number {
  const counted = record({ received: 0 })
  let now = 1_000
  let tapped: ((stream: ObservedStream, piece: Piece) => void) | null = null
  let wants = () => false
  const observer = {
    tap: (_: unknown, tap: typeof tapped, wanted: () => boolean = () => true) => {
      tapped = tap
      wants = wanted
      return () => undefined
    }
  }
  const look = new Look(
    {} as ObservedStream,
    counted,
    observer as never,
    () => now,
    () => undefined
  )
  const run = (seconds: number) => {
    let bytes = 0
    for (const end = now + seconds * 1_000; now < end; now += (SIZE * 1_000) / perSecond) {
      counted.received += SIZE
      if (wants()) tapped?.({} as ObservedStream, { way: 'down', at: now, data: new Uint8Array(SIZE), size: SIZE })
      for (const { data } of look.take()) bytes += data?.byteLength ?? 0
    }
    return bytes / seconds
  }
  run(settle)
  return run(20)
}

test.each([
  ['slower than the view', LOOK_BYTES_PER_SECOND / 2, LOOK_BYTES_PER_SECOND / 2],
  ['nearly twice as fast', 1.9 * LOOK_BYTES_PER_SECOND, LOOK_BYTES_PER_SECOND],
  ['more than that', 2.2 * LOOK_BYTES_PER_SECOND, SAMPLE_BYTES_PER_SECOND],
  ['a hundred times as fast', 100 * LOOK_BYTES_PER_SECOND, SAMPLE_BYTES_PER_SECOND]
])('of a stream %s', (_, perSecond, shown) => {
  const bytes = shownOf(perSecond, 20)
  expect(bytes / shown).toBeGreaterThan(1 - WITHIN)
  expect(bytes / shown).toBeLessThan(1 + WITHIN)
})
