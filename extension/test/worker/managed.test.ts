// The switches of the browser's administrator: known before anything is served, and only ever taking away.

import { expect, test } from 'vitest'
import { ManagedSwitches } from '../../src/worker/managed'
import { matchOf, type PagePattern, parsePagePattern } from '../../src/worker/patterns'

type Listener = (changes: Record<string, unknown>, area: string) => void

/** The managed area, and whoever listens for its changes. */
class FakeManaged {
  listeners: Listener[] = []
  changes = 0
  settings: object | Error = {}

  readonly switches = (settings: object | Error): ManagedSwitches => {
    this.settings = settings
    return new ManagedSwitches(
      {
        managed: {
          get: async () => {
            if (this.settings instanceof Error) throw this.settings
            return this.settings
          }
        },
        onChanged: { addListener: (listener: Listener) => this.listeners.push(listener) }
      } as unknown as ConstructorParameters<typeof ManagedSwitches>[0],
      () => {
        this.changes += 1
      }
    )
  }

  async change(settings: object, area = 'managed'): Promise<void> {
    this.settings = settings
    for (const listener of this.listeners) listener({}, area)
    await new Promise((resolve) => setTimeout(resolve))
  }
}

const managed = new FakeManaged()
const patterns = (...texts: string[]) => texts.map((text) => parsePagePattern(text) as PagePattern)

test.each([{}, { enabled: true }, new Error('no managed storage manifest')])(
  'without any, all is as the host says',
  async (settings) => {
    const switches = managed.switches(settings)
    expect(switches.known).toBe(false)
    await switches.ready
    expect([switches.known, switches.enabled, switches.refusal('https://any.example')]).toEqual([true, true, null])
    expect(switches.limit(patterns('https://a.example')).map(matchOf)).toEqual(['https://a.example:443/*'])
  }
)

test('switched off, no page is served', async () => {
  const switches = managed.switches({ enabled: false, pages: ['https://a.example'] })
  await switches.ready
  expect(switches.refusal('https://a.example')).toContain('switched the Longwire extension off')
  expect(switches.limit(patterns('https://a.example'))).toEqual([])
})

test('with pages, those are served at most', async () => {
  const switches = managed.switches({ pages: ['https://*.a.example', 'http://localhost:5173', 'no pattern'] })
  await switches.ready
  for (const origin of ['https://x.a.example', 'http://localhost:5173']) expect(switches.refusal(origin)).toBeNull()
  for (const origin of [
    'https://a.example',
    'http://x.a.example',
    'https://x.a.example:444',
    'http://localhost',
    'null'
  ]) {
    expect(switches.refusal(origin)).toContain('other pages only')
  }
})

test('a list without an entry serves nothing', async () => {
  const switches = managed.switches({ pages: [] })
  await switches.ready
  expect(switches.refusal('http://localhost:5173')).not.toBeNull()
  expect(switches.limit(patterns('http://localhost:5173'))).toEqual([])
})

test.each([
  ['https://*.a.example', 'https://*.a.example', 'https://*.a.example:443/*'],
  ['https://*.a.example', 'https://x.a.example', 'https://x.a.example:443/*'],
  ['https://x.a.example', 'https://*.a.example', 'https://x.a.example:443/*'],
  ['https://*.a.example', 'https://*.x.a.example', 'https://*.x.a.example:443/*'],
  ['https://*.a.example', 'https://a.example', null],
  ['https://a.example', 'http://a.example', null],
  ['https://a.example:*', 'https://a.example:8443', 'https://a.example:8443/*'],
  ['https://*.a.example:8443', 'https://x.a.example:*', 'https://x.a.example:8443/*'],
  ['https://a.example:1', 'https://a.example:2', null],
  ['https://xa.example', 'https://*.a.example', null]
])('what %s and %s have in common', async (named, allowed, common) => {
  const switches = managed.switches({ pages: [allowed] })
  await switches.ready
  expect(switches.limit(patterns(named)).map(matchOf)).toEqual(common === null ? [] : [common])
})

test('a change is known before it is told', async () => {
  const switches = managed.switches({})
  await switches.ready
  managed.changes = 0
  managed.listeners.splice(0, managed.listeners.length - 1)
  await managed.change({ enabled: false }, 'local')
  expect([switches.enabled, managed.changes]).toEqual([true, 0])
  await managed.change({ enabled: false })
  expect([switches.enabled, managed.changes]).toEqual([false, 1])
})
