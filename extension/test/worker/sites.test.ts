// The shim is registered on exactly the pages of the policy for which the browser permission exists.

import { beforeEach, expect, test, vi } from 'vitest'
import type { ContentScript } from '../../src/platform/platform'
import { matchOf } from '../../src/shared/page-patterns'
import { Sites, type SitesWorld } from '../../src/worker/sites'

/** Chromium's registry, with its rule that an id may be registered once. */
class FakeBrowser {
  readonly scripts = new Map<string, ContentScript>()
  readonly stored: Record<string, unknown> = {}
  permitted: (permission: string) => boolean = () => true
  /** Patterns that this browser does not take. */
  readonly refused = new Set<string>()
  registrations = 0

  readonly world = {
    scripting: {
      getRegisteredContentScripts: async () => [...this.scripts.values()],
      registerContentScripts: async (scripts: ContentScript[]) => {
        await Promise.resolve()
        for (const script of scripts) {
          if (this.scripts.has(script.id)) throw new Error(`Duplicate script ID '${script.id}'`)
          if (this.refused.has(script.matches?.[0] ?? '')) throw new Error('Invalid match pattern')
        }
        for (const script of scripts) this.scripts.set(script.id, script)
        this.registrations += scripts.length
      },
      unregisterContentScripts: async ({ ids }: { ids: string[] }) => {
        await Promise.resolve()
        for (const id of ids) if (!this.scripts.delete(id)) throw new Error(`Nonexistent script ID '${id}'`)
      }
    },
    permissions: { contains: async ({ origins }: { origins: string[] }) => origins.every((o) => this.permitted(o)) },
    storage: {
      get: async (name: string) => ({ [name]: this.stored[name] }),
      set: async (items: object) => {
        Object.assign(this.stored, items)
      }
    }
  } as unknown as SitesWorld

  get matches(): string[] {
    return [...new Set([...this.scripts.values()].flatMap(({ matches }) => matches ?? []))].sort()
  }
}

let browser: FakeBrowser
let added: string[][]
let writersAdded: string[][]
let sites: Sites

beforeEach(() => {
  browser = new FakeBrowser()
  added = []
  writersAdded = []
  sites = new Sites(browser.world, async ({ shim, writer }) => {
    if (shim.length > 0) added.push(shim.map(matchOf))
    if (writer.length > 0) writersAdded.push(writer.map(matchOf))
  })
})

const APP = 'https://app.example.com'
const TOOLS = 'https://*.tools.example.com:*'

test('both scripts, each in its world, on all frames, before anything of the page', async () => {
  await sites.update([TOOLS])
  const scripts = [...browser.scripts.values()]
  expect(scripts.map(({ js, world }) => [js, world])).toEqual([
    [['relay.js'], 'ISOLATED'],
    [['page.js'], 'MAIN']
  ])
  for (const script of scripts) {
    expect(script).toMatchObject({
      matches: ['https://*.tools.example.com:*/*'],
      excludeMatches: ['https://tools.example.com:*/*'],
      runAt: 'document_start',
      allFrames: true,
      matchOriginAsFallback: true
    })
  }
})

test('what the policy no longer names is taken back, what it still names is left alone', async () => {
  await sites.update([APP, TOOLS])
  await sites.update([TOOLS])
  expect(browser.matches).toEqual(['https://*.tools.example.com:*/*'])
  expect(browser.registrations).toBe(4)
  await sites.update([])
  expect(browser.scripts.size).toBe(0)
})

test('pages that carry the shim by the manifest, and what is no pattern, are not registered', async () => {
  await sites.update(['http://localhost:*', 'http://127.0.0.1:5173', 'nonsense', 'ftp://a.example'])
  expect(browser.scripts.size).toBe(0)
  expect(added).toEqual([])
})

test('the same page named twice is registered once', async () => {
  await sites.update([APP, `${APP}:443`, APP.toUpperCase().replace('HTTPS', 'https')])
  expect(browser.matches).toEqual(['https://app.example.com:443/*'])
})

test('without the permission nothing, with it at once what is missing, and without it again nothing', async () => {
  browser.permitted = (permission) => permission !== 'https://app.example.com/*'
  await sites.update([APP, TOOLS])
  expect(browser.matches).toEqual(['https://*.tools.example.com:*/*'])
  browser.permitted = () => true
  await sites.ensure()
  expect(browser.matches).toEqual(['https://*.tools.example.com:*/*', 'https://app.example.com:443/*'])
  browser.permitted = () => false
  await sites.ensure()
  expect(browser.matches).toEqual([])
})

test('open pages are told of once, when their pattern comes', async () => {
  await sites.update([APP])
  await sites.update([APP])
  await sites.ensure()
  await sites.update([APP, TOOLS])
  expect(added).toEqual([['https://app.example.com:443/*'], ['https://*.tools.example.com:*/*']])
})

test('half a registration is completed', async () => {
  await sites.update([APP])
  browser.scripts.delete([...browser.scripts.keys()][0] as string)
  await sites.ensure()
  expect(browser.scripts.size).toBe(2)
})

test('a worker that knows nothing yet registers what it stored', async () => {
  await sites.update([APP])
  browser.scripts.clear()
  await new Sites(browser.world, async () => undefined).ensure()
  expect(browser.matches).toEqual(['https://app.example.com:443/*'])
})

test.each([[undefined], ['https://app.example.com'], [{ pages: [APP] }], [null]])(
  'stored pages that are none register nothing: %j',
  async (stored) => {
    browser.stored['pages'] = stored
    await sites.ensure()
    expect(browser.scripts.size).toBe(0)
  }
)

test('what is stored beside pages is passed over', async () => {
  browser.stored['pages'] = [7, APP, null, {}]
  await sites.ensure()
  expect((await sites.permitted()).shim.map(matchOf)).toEqual(['https://app.example.com:443/*'])
})

test('a pattern that the browser does not take costs no other', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  browser.refused.add('https://app.example.com:443/*')
  await sites.update([APP, TOOLS])
  expect(browser.matches).toEqual(['https://*.tools.example.com:*/*'])
  expect(added).toEqual([['https://*.tools.example.com:*/*']])
  expect(warn).toHaveBeenCalledOnce()
  warn.mockRestore()
})

test('events that come at once are worked off one after the other', async () => {
  await Promise.all([
    sites.update([APP]),
    sites.ensure(),
    sites.update([APP, TOOLS]),
    sites.ensure(),
    sites.update([APP])
  ])
  expect(browser.matches).toEqual(['https://app.example.com:443/*'])
})

test('one that fails does not hold up the next', async () => {
  const failing = vi.spyOn(browser.world.storage, 'set').mockRejectedValueOnce(new Error('disk full'))
  await expect(sites.update([APP])).rejects.toThrow('disk full')
  failing.mockRestore()
  await sites.update([TOOLS])
  expect(browser.matches).toEqual(['https://*.tools.example.com:*/*'])
})

test('what the administrator of the browser takes away is not registered, and comes back when it is given back', async () => {
  let taken = true
  const limited = new Sites(
    browser.world,
    async () => undefined,
    (patterns) => (taken ? patterns.filter(({ wildcard }) => !wildcard) : patterns)
  )
  await limited.update([APP, TOOLS])
  expect(browser.matches).toEqual(['https://app.example.com:443/*'])
  taken = false
  await limited.ensure()
  expect(browser.matches).toHaveLength(2)
})

test('the writer is registered in the top frame alone, when the document is there, and on nothing but its own pages', async () => {
  await sites.update([APP], [TOOLS])
  const writer = [...browser.scripts.values()].filter(({ js }) => js.includes('writer.js'))
  expect(writer).toEqual([
    {
      id: 'writer https://*.tools.example.com:*/*',
      js: ['writer.js'],
      world: 'ISOLATED',
      matches: ['https://*.tools.example.com:*/*'],
      excludeMatches: ['https://tools.example.com:*/*'],
      runAt: 'document_idle',
      allFrames: false,
      matchOriginAsFallback: false
    }
  ])
  expect(browser.scripts.size).toBe(3)
  expect([added, writersAdded]).toEqual([[['https://app.example.com:443/*']], [['https://*.tools.example.com:*/*']]])
})

test('the writer is where the manifest has the shim, too, and a page may have both', async () => {
  await sites.update([APP], [APP, 'http://localhost:5173'])
  expect([...browser.scripts.keys()].filter((id) => id.startsWith('writer'))).toEqual([
    'writer https://app.example.com:443/*',
    'writer http://localhost:5173/*'
  ])
})

test('a policy without a writer takes it back; without the permission, and where the administrator takes it away, there is none', async () => {
  await sites.update([], [APP])
  await sites.update([])
  expect(browser.scripts.size).toBe(0)
  browser.permitted = () => false
  await sites.update([], [APP])
  expect(browser.scripts.size).toBe(0)
  browser.permitted = () => true
  await sites.ensure()
  expect([...browser.scripts.keys()]).toEqual(['writer https://app.example.com:443/*'])
  const limited = new Sites(
    browser.world,
    async () => undefined,
    () => []
  )
  await limited.ensure()
  expect(browser.scripts.size).toBe(0)
})
