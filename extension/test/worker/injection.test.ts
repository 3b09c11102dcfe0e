// Scripts for pages that are open already: only into frames whose own origin is one that carries the shim.

import { beforeEach, expect, test } from 'vitest'
import { type PagePattern, parsePagePattern } from '../../src/shared/page-patterns'
import { type InjectionWorld, injectIntoOpenPages } from '../../src/worker/injection'
import type { SitePatterns } from '../../src/worker/sites'

interface Injected {
  readonly tab: number
  readonly frames: readonly string[]
  readonly files: readonly string[]
  readonly world: string
}

/** Tabs by id, each with its frames by document id and what the isolated world says of their origin. */
let tabs: Map<number | undefined, Record<string, unknown>>
let injected: Injected[]
let forbidden: Set<number>
let discardedWanted: unknown

const world = {
  tabs: {
    query: async (filter: { discarded: boolean }) => {
      discardedWanted = filter.discarded
      return [...tabs.keys()].map((id) => ({ id }))
    }
  },
  scripting: {
    executeScript: async (script: {
      target: { tabId: number; allFrames?: boolean; documentIds?: string[] }
      func?: () => unknown
      files?: string[]
      world?: string
      injectImmediately: boolean
    }) => {
      const { tabId, documentIds } = script.target
      expect(script.injectImmediately).toBe(script.files?.[0] !== 'writer.js')
      if (forbidden.has(tabId)) throw new Error('Cannot access contents of the page.')
      const frames = tabs.get(tabId) ?? {}
      if (script.func !== undefined) {
        return Object.entries(frames).map(([documentId, result], frameId) => ({ documentId, frameId, result }))
      }
      injected.push({
        tab: tabId,
        frames: documentIds ?? [],
        files: script.files ?? [],
        world: script.world ?? ''
      })
      return []
    }
  }
} as unknown as InjectionWorld

const APP = parsePagePattern('https://app.example.com') as PagePattern
const patterns: SitePatterns = { shim: [APP], writer: [] }

beforeEach(() => {
  tabs = new Map()
  injected = []
  forbidden = new Set()
})

test('the relay into its own world first, then the shim into the page’s', async () => {
  tabs.set(1, { top: 'https://app.example.com' })
  await injectIntoOpenPages(world, patterns)
  expect(injected).toEqual([
    { tab: 1, frames: ['top'], files: ['relay.js'], world: 'ISOLATED' },
    { tab: 1, frames: ['top'], files: ['page.js'], world: 'MAIN' }
  ])
  expect(discardedWanted).toBe(false)
})

test('each frame is judged by its own origin', async () => {
  tabs.set(1, {
    top: 'https://other.example.com',
    granted: 'https://app.example.com',
    local: 'http://localhost:5173',
    sandboxed: 'null',
    stranger: 'https://evil.example',
    gone: undefined
  })
  await injectIntoOpenPages(world, patterns)
  expect(injected.map(({ frames }) => frames)).toEqual([
    ['granted', 'local'],
    ['granted', 'local']
  ])
})

test('tabs without such a frame, without an id, or closed to extensions are left alone and cost no other', async () => {
  tabs.set(undefined, { top: 'https://app.example.com' })
  tabs.set(1, { top: 'https://evil.example' })
  tabs.set(2, { top: 'https://app.example.com' })
  tabs.set(3, { top: 'https://app.example.com' })
  forbidden.add(2)
  await injectIntoOpenPages(world, patterns)
  expect(injected.map(({ tab }) => tab)).toEqual([3, 3])
})

test('the writer into the top frame of its own pages alone', async () => {
  tabs.set(1, { top: 'https://app.example.com', inner: 'https://app.example.com' })
  tabs.set(2, { top: 'https://evil.example', inner: 'https://app.example.com' })
  tabs.set(3, { top: 'null', inner: 'https://app.example.com' })
  await injectIntoOpenPages(world, { shim: [], writer: [APP] })
  expect(injected).toEqual([{ tab: 1, frames: ['top'], files: ['writer.js'], world: 'ISOLATED' }])
})
