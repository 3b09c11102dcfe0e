import type { Injections, Tab } from '../platform/platform'
import { carriesShim, patternsFor } from '../shared/page-patterns'
import type { SitePatterns } from './sites'

/** What puts scripts into pages which are open already. */
export interface InjectionWorld {
  readonly tabs: { query(filter: { discarded: boolean }): Promise<Tab[]> }
  readonly scripting: Injections
}

/**
 * Put a fresh relay, and the shim where there is none, into open pages of these patterns and of the static hosts: pages
 * whose relay died with the last version of the extension, and pages that were there before their registration.
 *
 * The writer goes into top frames of its own patterns. Each frame is judged by its own origin, as the isolated world sees it. Tabs whose top frame the extension may not
 * touch are left alone: the browser refuses them as a whole, and their next load has the scripts.
 */
export async function injectIntoOpenPages(world: InjectionWorld, patterns: SitePatterns): Promise<void> {
  const tabs = await world.tabs.query({ discarded: false })
  await Promise.all(tabs.map(({ id }) => (id === undefined ? undefined : injectIntoTab(world, id, patterns))))
}

async function injectIntoTab(world: InjectionWorld, tabId: number, { shim, writer }: SitePatterns): Promise<void> {
  try {
    const frames = await world.scripting.executeScript({
      target: { tabId, allFrames: true },
      func: () => self.origin,
      injectImmediately: true
    })
    const inject = async (wanted: typeof frames, file: string, isolated: boolean, injectImmediately: boolean) => {
      if (wanted.length === 0) return
      const target = { tabId, documentIds: wanted.map(({ documentId }) => documentId) }
      const where = isolated ? 'ISOLATED' : 'MAIN'
      await world.scripting.executeScript({ target, files: [file], world: where, injectImmediately })
    }
    const ofOrigin = (serves: (origin: string) => boolean) =>
      frames.filter(({ result }) => typeof result === 'string' && serves(result))
    const carrying = ofOrigin((origin) => carriesShim(origin, shim))
    await inject(carrying, 'relay.js', true, true)
    await inject(carrying, 'page.js', false, true)
    const written = ofOrigin((origin) => patternsFor(origin, writer).length > 0)
    await inject(
      written.filter(({ frameId }) => frameId === 0),
      'writer.js',
      true,
      false
    )
  } catch {
    // The tab is gone, or shows a page that no extension may touch.
  }
}
