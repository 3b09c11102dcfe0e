// The profile's id: made once, kept, and waited for in order by what needs it.

import { expect, test } from 'vitest'
import { PROFILE, Profile } from '../../src/worker/profile'

class Kept {
  readonly items: Record<string, unknown> = {}
  reads = 0
  failing = false

  async get(key: string): Promise<Record<string, unknown>> {
    this.reads += 1
    if (this.failing) throw new Error('the disk is gone')
    return key in this.items ? { [key]: this.items[key] } : {}
  }

  async set(items: Record<string, unknown>): Promise<void> {
    Object.assign(this.items, items)
  }
}

const known = (profile: Profile) => new Promise<void>((resolve) => profile.whenKnown(true, resolve))

test('it is made once, kept before anybody is told, and is another for every profile', async () => {
  const kept = new Kept()
  const profile = new Profile(kept)
  expect(profile.id).toBe(null)
  await known(profile)
  expect(profile.id).toMatch(/^[0-9a-f-]{36}$/)
  expect(kept.items).toEqual({ [PROFILE]: profile.id })
  const again = new Profile(kept)
  await known(again)
  expect(again.id).toBe(profile.id)
  const other = new Profile(new Kept())
  await known(other)
  expect(other.id).not.toBe(profile.id)
})

test('nothing is read or made for requests that need it not', () => {
  const kept = new Kept()
  const done: number[] = []
  new Profile(kept).whenKnown(false, () => done.push(1))
  expect(done).toEqual([1])
  expect([kept.reads, kept.items]).toEqual([0, {}])
})

test('what comes behind a start that waits keeps its place', async () => {
  const kept = new Kept()
  const profile = new Profile(kept)
  const done: string[] = []
  const say = (what: string) => () => done.push(`${what} ${profile.id !== null}`)
  profile.whenKnown(false, say('before'))
  profile.whenKnown(true, say('start'))
  profile.whenKnown(false, say('abort'))
  profile.whenKnown(true, say('second start'))
  expect(done).toEqual(['before false'])
  await known(profile)
  expect(done).toEqual(['before false', 'start true', 'abort true', 'second start true'])
  profile.whenKnown(true, say('later'))
  expect(done.at(-1)).toBe('later true')
  expect(kept.reads).toBe(1)
})

test('storage that fails lets everything pass without an id, and is asked again', async () => {
  const kept = new Kept()
  kept.failing = true
  const profile = new Profile(kept)
  await known(profile)
  expect(profile.id).toBe(null)
  kept.failing = false
  await known(profile)
  expect(profile.id).not.toBe(null)
})

test('what is kept can be recalled, and none is made for that', async () => {
  const kept = new Kept()
  const none = new Profile(kept)
  await none.recall()
  expect([none.id, kept.items]).toEqual([null, {}])
  kept.items[PROFILE] = 'p'
  const there = new Profile(kept)
  await there.recall()
  expect(there.id).toBe('p')
  kept.failing = true
  const failed = new Profile(kept)
  await failed.recall()
  expect(failed.id).toBe(null)
})
