// What the user allows: asked once for each origin, and again when it may have changed.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ANSWER_DEADLINE_MS, PagePermissions } from '../../src/worker/permissions'

const ORIGIN = 'https://app.example.com:8443'

let allowed: Set<string>
let asked: string[]
let permissions: PagePermissions

beforeEach(() => {
  allowed = new Set([`${ORIGIN}/*`])
  asked = []
  permissions = new PagePermissions({
    contains: async ({ origins: [origin = ''] }) => {
      asked.push(origin)
      if (origin === 'https://none/*') throw new Error("Invalid value for origin pattern 'https://none/*'")
      return allowed.has(origin)
    }
  })
})

/** What is known of an origin, once it is. */
const known = (origin: string) =>
  new Promise<string | null>((resolve) => permissions.whenKnown(origin, () => resolve(permissions.refusal(origin))))

test('an origin is asked for once, and whoever waits for the answer goes on in the order of the calls', async () => {
  const order: number[] = []
  for (const turn of [1, 2, 3]) permissions.whenKnown(ORIGIN, () => order.push(turn))
  expect([order, permissions.refusal(ORIGIN)]).toEqual([[], expect.stringContaining('does not say')])
  await known(ORIGIN)
  expect([order, permissions.refusal(ORIGIN)]).toEqual([[1, 2, 3], null])
  permissions.whenKnown(ORIGIN, () => order.push(4))
  expect([order, asked]).toEqual([[1, 2, 3, 4], [`${ORIGIN}/*`]])
})

test.each(['https://other.example.com', 'https://none'])('%s, which is not allowed, is refused', async (origin) => {
  expect(await known(origin)).toContain('does not let Longwire into this site')
})

test('what is taken away is refused from then on, and what is given back is not', async () => {
  expect(await known(ORIGIN)).toBe(null)
  allowed.clear()
  await permissions.askAgain()
  expect(permissions.refusal(ORIGIN)).not.toBe(null)
  allowed.add(`${ORIGIN}/*`)
  await permissions.askAgain()
  expect(permissions.refusal(ORIGIN)).toBe(null)
})

test('a browser that says nothing is waited for to a bound, refused with a word, and asked again', async () => {
  vi.useFakeTimers()
  const answers: ((allowed: boolean) => void)[] = []
  const mute = new PagePermissions({
    contains: () => new Promise((resolve) => answers.push(resolve))
  })
  const said: (string | null)[] = []
  const ask = () => mute.whenKnown(ORIGIN, () => said.push(mute.refusal(ORIGIN)))
  ask()
  await vi.advanceTimersByTimeAsync(ANSWER_DEADLINE_MS - 1)
  expect([said, mute.knows(ORIGIN)]).toEqual([[], false])
  await vi.advanceTimersByTimeAsync(1)
  expect(said).toEqual([expect.stringContaining('does not say whether it lets Longwire into this site')])
  ask()
  answers.at(-1)?.(true)
  await vi.advanceTimersByTimeAsync(0)
  expect([said.at(-1), mute.knows(ORIGIN), answers.length, vi.getTimerCount()]).toEqual([null, true, 2, 0])
})
afterEach(() => vi.useRealTimers())
