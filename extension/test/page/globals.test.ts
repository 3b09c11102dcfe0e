// The shim and the library beside it call the browser's own: a page that replaces a global replaces it for itself
// (threat 4). Seen in the bundle as every page gets it.

import { type BuildOptions, build } from 'esbuild'
import { describe, expect, test } from 'vitest'
import { pageOptions } from '../../page-bundle.mjs'
import { lookedUpLater } from '../free-globals'

async function bundle(more: object = {}): Promise<string> {
  const { outputFiles } = await build({ ...(pageOptions('1.2.3') as BuildOptions), ...more, write: false })
  return outputFiles[0]?.text ?? ''
}

test('nothing in page.js looks up a global that a page could have replaced', async () => {
  expect(await lookedUpLater(await bundle())).toEqual([])
})

/** Members of the global object that are the page's on purpose, or that no page can replace. */
const OF_THE_PAGE = {
  document: 'cannot be replaced',
  location: 'cannot be replaced',
  fetch: 'until main.ts has said that it is longwire.fetch',
  localStorage: 'where the page keeps its token, if it says so'
}

test('of the global object page.js reads what is the page’s on purpose, and no more', async () => {
  const script = await bundle({ minifyWhitespace: false })
  const read = [...script.matchAll(/\b(?:ownGlobalThis|globalThis)\??\.(\w+)/g)].map(([, name]) => name as string)
  // While it is loaded: nothing is replaced yet.
  const captured = new Set(['crypto'])
  expect([...new Set(read)].filter((name) => !captured.has(name)).sort()).toEqual(Object.keys(OF_THE_PAGE).sort())
})

test('without the captured names the client library would look up the page’s', async () => {
  const found = await lookedUpLater(await bundle({ inject: [] }))
  for (const name of ['Promise', 'Headers', 'Request', 'setTimeout', 'JSON', 'globalThis'])
    expect(found).toContain(name)
})

describe('what a script looks up later', () => {
  test.each([
    ['() => Promise.resolve()', ['Promise']],
    ['function () { return new Headers(init, fetch) }', ['Headers', 'fetch']],
    ['class { own = new Map() }', ['Map']],
    ['class { take() { queueMicrotask(this.done) } }', ['queueMicrotask']],
    ['(wait = setTimeout) => wait()', ['setTimeout']],
    ['() => typeof requestIdleCallback', ['requestIdleCallback']],
    ['() => ({ JSON })', ['JSON']],
    ['() => chrome.runtime.id', ['chrome']]
  ])('%s', async (code, names) => {
    expect(await lookedUpLater(`(() => { keep(${code}) })()`)).toEqual(names)
  })

  test.each([
    ['what it took while it was loaded', 'const own = Promise; keep(() => own.resolve())'],
    ['a name of its own', 'const Promise = {}; keep(() => Promise)'],
    ['a parameter', 'keep((Headers) => new Headers())'],
    ['a member that is called alike', 'keep((my) => my.Promise.fetch)'],
    ['what no page can replace', 'keep(() => window === document.defaultView || undefined)']
  ])('not: %s', async (_, code) => {
    expect(await lookedUpLater(`(() => { ${code} })()`)).toEqual([])
  })
})
