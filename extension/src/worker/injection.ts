import type { Injections, Tab } from '../platform/platform'
import { carriesShim, type PagePattern } from '../shared/page-patterns'

/** What puts scripts into pages which are open already. */
export interface InjectionWorld {
  readonly tabs: { query(filter: { discarded: boolean }): Promise<Tab[]> }
  readonly scripting: Injections
}

/**
 * Put a fresh relay, and the shim where there is none, into open pages of these patterns and of the static hosts: pages
 * whose relay died with the last version of the extension, and pages that were there before their registration.
 *
 * Each frame is judged by its own origin, as the isolated world sees it. Tabs whose top frame the extension may not
 * touch are left alone: the browser refuses them as a whole, and their next load has the scripts.
 */
export async function injectIntoOpenPages(world: InjectionWorld, patterns: readonly PagePattern[]): Promise<void> {
  const tabs = await world.tabs.query({ discarded: false })
  await Promise.all(tabs.map(({ id }) => (id === undefined ? undefined : injectIntoTab(world, id, patterns))))
}

async function injectIntoTab(world: InjectionWorld, tabId: number, patterns: readonly PagePattern[]): Promise<void> {
  try {
    const frames = await world.scripting.executeScript({
      target: { tabId, allFrames: true },
      func: () => self.origin,
      injectImmediately: true
    })
    const documentIds = frames
      .filter(({ result }) => typeof result === 'string' && carriesShim(result, patterns))
      .map(({ documentId }) => documentId)
    if (documentIds.length === 0) return
    const target = { tabId, documentIds }
    await world.scripting.executeScript({ target, files: ['relay.js'], world: 'ISOLATED', injectImmediately: true })
    await world.scripting.executeScript({ target, files: ['page.js'], world: 'MAIN', injectImmediately: true })
  } catch {
    // The tab is gone, or shows a page that no extension may touch.
  }
}
