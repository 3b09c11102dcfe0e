// What the user allows: asked once for each origin, and again when it may have changed.

import { beforeEach, expect, test } from 'vitest'
import { PagePermissions } from '../../src/worker/permissions'

const ORIGIN = 'https://app.example.com:8443'

let allowed: Set<string>
let asked: string[]
let permissions: PagePermissions

beforeEach(() => {
  allowed = new Set([`${ORIGIN}/*`])
  asked = []
  permissions = new PagePermissions({
    contains: async ({ origins: [origin = ''] = [] }: chrome.permissions.Permissions) => {
      asked.push(origin)
      if (origin === 'https://none/*') throw new Error("Invalid value for origin pattern 'https://none/*'")
      return allowed.has(origin)
    }
  } as typeof chrome.permissions)
})

/** What is known of an origin, once it is. */
const known = (origin: string) =>
  new Promise<string | null>((resolve) => permissions.whenKnown(origin, () => resolve(permissions.refusal(origin))))

test('an origin is asked for once, and whoever waits for the answer goes on in the order of the calls', async () => {
  const order: number[] = []
  for (const turn of [1, 2, 3]) permissions.whenKnown(ORIGIN, () => order.push(turn))
  expect([order, permissions.refusal(ORIGIN)]).toEqual([[], expect.stringContaining('press Allow')])
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
