// The switches of the browser's administrator: in effect as last known until the browser says them, and only ever taking away.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { MAX_SWITCHED_PAGES } from '../../src/protocol/constants'
import { matchOf, type PagePattern, parsePagePattern } from '../../src/shared/page-patterns'
import { ManagedSwitches, RECALL_DEADLINE_MS, REMEMBERED } from '../../src/worker/managed'

type Listener = (changes: Record<string, unknown>, area: string) => void
interface Question {
  readonly answer: (settings: object) => void
  readonly fail: (error: Error) => void
}

const ORIGIN = 'https://a.example'
const OFF = 'switched the Longwire extension off'
const UNCONFIRMED = 'has not said yet whether that still holds'

/** A browser that answers when the test says so, and its disk. */
class Browser {
  readonly questions: Question[] = []
  readonly listeners: Listener[] = []
  readonly written: object[] = []
  changes = 0
  news = 0
  disk: unknown
  /** Resolves when the disk has turned. */
  spin: Promise<unknown> = Promise.resolve()

  start(): ManagedSwitches {
    return new ManagedSwitches(
      {
        managed: {
          get: () => new Promise((answer, fail) => this.questions.push({ answer, fail }))
        },
        onChanged: { addListener: (listener: Listener) => this.listeners.push(listener) },
        remembered: {
          get: async (key: string) => {
            await this.spin
            if (this.disk instanceof Error) throw this.disk
            return this.disk === undefined ? {} : { [key]: this.disk }
          },
          set: async (items: Record<string, unknown>) => {
            this.written.push(items)
            if (this.disk instanceof Error) throw this.disk
            this.disk = items[REMEMBERED]
          }
        }
      } as unknown as ConstructorParameters<typeof ManagedSwitches>[0],
      () => {
        this.changes += 1
      },
      () => {
        this.news += 1
      }
    )
  }

  /** The browser answers its last question. */
  async says(settings: object): Promise<void> {
    this.questions.at(-1)?.answer(settings)
    await vi.advanceTimersByTimeAsync(0)
  }

  async changesTo(settings: object, area = 'managed'): Promise<void> {
    for (const listener of this.listeners) listener({}, area)
    await this.says(settings)
  }
}

let browser: Browser
beforeEach(() => {
  vi.useFakeTimers()
  browser = new Browser()
})
afterEach(() => vi.useRealTimers())

const patterns = (...texts: string[]) => texts.map((text) => parsePagePattern(text) as PagePattern)

/** Switches of which the browser has said `settings`. */
async function confirmed(settings: object): Promise<ManagedSwitches> {
  const switches = browser.start()
  await browser.says(settings)
  await switches.ready
  return switches
}

// --- before the browser says anything -------------------------------------------------------------------------------

test('a profile that was never started serves as the host says, and is not held up by the browser', async () => {
  const switches = browser.start()
  expect(switches.known).toBe(false)
  await switches.ready
  expect([switches.known, switches.confirmed, switches.enabled, switches.refusal(ORIGIN)]).toEqual([
    true,
    false,
    true,
    null
  ])
  expect(switches.limit(patterns(ORIGIN)).map(matchOf)).toEqual([`${ORIGIN}:443/*`])
})

test('what held at the last start holds at this one, and says that it is not certain', async () => {
  await confirmed({ enabled: false, pages: [ORIGIN] })
  expect(browser.disk).toEqual({ enabled: false, pages: [ORIGIN] })
  const next = browser.start()
  await next.ready
  expect([next.confirmed, next.enabled, next.limit(patterns(ORIGIN))]).toEqual([false, false, []])
  expect(next.refusal(ORIGIN)).toMatch(new RegExp(`${OFF}.*${UNCONFIRMED}`))
  await browser.says({ enabled: false, pages: [ORIGIN] })
  expect([next.confirmed, browser.changes, browser.written.length]).toEqual([true, 0, 1])
  expect(next.refusal(ORIGIN)).not.toContain(UNCONFIRMED)
})

test.each([
  ['nothing was set', undefined, {}, { enabled: false }, OFF],
  ['another list was set', { pages: [ORIGIN] }, {}, { pages: [] }, 'other pages only'],
  ['it was switched off', { enabled: false }, { enabled: false }, {}, null]
])('when the browser answers, what runs is judged again: %s', async (_, before, kept, after, refusal) => {
  browser.disk = before
  const switches = browser.start()
  await switches.ready
  expect(switches.enabled).toBe((kept as { enabled?: boolean }).enabled ?? true)
  expect(browser.changes).toBe(0)
  await browser.says(after)
  expect([switches.confirmed, browser.changes, browser.disk]).toEqual([true, 1, after])
  if (refusal === null) expect(switches.refusal(ORIGIN)).toBeNull()
  else expect(switches.refusal(ORIGIN)).toContain(refusal)
})

test.each([
  ['a text', 'off', true],
  ['a list', [false], true],
  ['switches of other types', { enabled: 'false', pages: 'all' }, true],
  ['pages that are no text', { pages: [7, null, {}] }, false],
  ['nothing', null, true]
])('of a corrupted memory, %s, nothing is taken that opens more than no memory at all', async (_, disk, served) => {
  browser.disk = disk
  const switches = browser.start()
  await switches.ready
  expect(switches.enabled).toBe(true)
  expect(switches.refusal(ORIGIN) === null).toBe(served)
  await browser.says({ enabled: false })
  expect([switches.enabled, browser.disk]).toEqual([false, { enabled: false }])
})

test('a disk that fails keeps nothing, and breaks nothing', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  browser.disk = new Error('IO error')
  const switches = browser.start()
  await switches.ready
  expect(switches.refusal(ORIGIN)).toBeNull()
  await browser.says({ enabled: false })
  expect([switches.confirmed, switches.enabled, warn.mock.calls.length]).toEqual([true, false, 1])
  warn.mockRestore()
})

test('a disk that does not answer is waited for to a bound, and what it says later still counts', async () => {
  let turn: (value: unknown) => void = () => undefined
  browser.spin = new Promise((resolve) => {
    turn = resolve
  })
  browser.disk = { enabled: false }
  const switches = browser.start()
  await vi.advanceTimersByTimeAsync(RECALL_DEADLINE_MS - 1)
  expect(switches.known).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect([switches.known, switches.enabled]).toEqual([true, true])
  turn(null)
  await vi.advanceTimersByTimeAsync(0)
  expect([switches.enabled, browser.changes]).toEqual([false, 1])
})

test('what the browser said is not undone by an older memory, and replaces it', async () => {
  let turn: (value: unknown) => void = () => undefined
  browser.spin = new Promise((resolve) => {
    turn = resolve
  })
  browser.disk = {}
  const switches = await confirmed({ enabled: false })
  turn(null)
  await vi.advanceTimersByTimeAsync(0)
  expect([switches.enabled, browser.disk]).toEqual([false, { enabled: false }])
})

test('a browser that fails to answer opens nothing that was closed', async () => {
  browser.disk = { enabled: false }
  const switches = browser.start()
  await switches.ready
  browser.questions[0]?.fail(new Error('internal error'))
  await vi.advanceTimersByTimeAsync(0)
  expect([switches.enabled, switches.confirmed]).toEqual([false, false])
})

// --- what the browser says ------------------------------------------------------------------------------------------

test.each([{}, { enabled: true }])('without any, all is as the host says', async (settings) => {
  const switches = await confirmed(settings)
  expect([switches.known, switches.enabled, switches.refusal('https://any.example')]).toEqual([true, true, null])
  expect(switches.limit(patterns(ORIGIN)).map(matchOf)).toEqual([`${ORIGIN}:443/*`])
})

test('a browser that refuses to answer where nobody set anything has said so', async () => {
  browser.disk = { enabled: false }
  const switches = browser.start()
  await switches.ready
  browser.questions[0]?.fail(new Error('Managed storage manifest not found'))
  await vi.advanceTimersByTimeAsync(0)
  expect([switches.confirmed, switches.enabled, browser.disk]).toEqual([true, true, {}])
})

test('switched off, no page is served', async () => {
  const switches = await confirmed({ enabled: false, pages: [ORIGIN] })
  expect(switches.refusal(ORIGIN)).toContain(OFF)
  expect(switches.limit(patterns(ORIGIN))).toEqual([])
})

test('with pages, those are served at most', async () => {
  const switches = await confirmed({ pages: ['https://*.a.example', 'http://localhost:5173', 'no pattern'] })
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
  const switches = await confirmed({ pages: [] })
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
  const switches = await confirmed({ pages: [allowed] })
  expect(switches.limit(patterns(named)).map(matchOf)).toEqual(common === null ? [] : [common])
})

test('a change is known before it is told, and kept', async () => {
  const switches = await confirmed({})
  await browser.changesTo({ enabled: false }, 'local')
  expect([switches.enabled, browser.changes]).toEqual([true, 0])
  await browser.changesTo({ enabled: false })
  expect([switches.enabled, browser.changes, browser.disk]).toEqual([false, 1, { enabled: false }])
})

test('of two answers the later question has the last word', async () => {
  const switches = await confirmed({})
  for (const listener of browser.listeners) listener({}, 'managed')
  await browser.changesTo({ enabled: false })
  browser.questions[1]?.answer({})
  await vi.advanceTimersByTimeAsync(0)
  expect([switches.enabled, browser.disk]).toEqual([false, { enabled: false }])
})

// --- what the host is told ------------------------------------------------------------------------------------------

test.each([
  [{}, null],
  [{ enabled: true }, null],
  [{ enabled: false }, { enabled: false }],
  [{ pages: [] }, { enabled: true, pages: [] }],
  [
    { enabled: false, pages: ['HTTPS://*.A.example', 'no pattern', 'http://127.0.0.1:*'] },
    { enabled: false, pages: ['https://*.a.example:443', 'http://127.0.0.1:*'] }
  ]
])('of %j the host hears %j', async (settings, told) => {
  expect((await confirmed(settings)).narrowed).toEqual(told)
})

test('of more pages than a message holds the host hears nothing, and they are held to here', async () => {
  const pages = Array.from({ length: MAX_SWITCHED_PAGES + 1 }, (_, number) => `https://a${number}.example`)
  const switches = await confirmed({ pages })
  expect(switches.narrowed).toBe(null)
  expect(switches.refusal('https://b.example')).not.toBe(null)
})

test.each([
  ['memory first', async () => {}],
  ['the browser first', (turned: () => void) => browser.says({ enabled: false }).then(turned)]
])('what it has not said before is news, to whichever worker: %s', async (_, first) => {
  let turn: (value: unknown) => void = () => undefined
  browser.spin = new Promise((resolve) => {
    turn = resolve
  })
  browser.disk = {}
  browser.start()
  await first(() => turn(null))
  turn(null)
  await vi.advanceTimersByTimeAsync(0)
  await browser.says({ enabled: false })
  expect(browser.news).toBe(1)
  browser.start()
  await browser.says({ enabled: false })
  expect(browser.news).toBe(1)
  await browser.changesTo({})
  expect(browser.news).toBe(2)
})
