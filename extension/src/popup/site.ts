import type { PopupPlatform, Tab } from '../platform/platform'

/** The page that the popup is about. */
export interface Site {
  /** -1 if there is none any more. */
  readonly tab: number
  /** Null if Longwire cannot serve the page. */
  readonly origin: string | null
  /** Why it cannot, for people; empty if it can. */
  readonly refusal: string
  readonly private: boolean
}

/** What tells of a tab. */
export interface SiteWorld {
  readonly tabs: Pick<PopupPlatform['tabs'], 'get' | 'query'>
  readonly scripting: PopupPlatform['scripting']
}

const UNSEEN = 'Longwire cannot see this page. It serves web pages, those of http: and https: addresses.'
const OPAQUE = 'This page is sandboxed: it has no origin, so nothing can be granted to it.'

/**
 * The tab in front, or that of `#tab=ID`, by which the popup's page shows another tab when it is opened in a tab itself.
 * No web page can open it, with or without that.
 */
export async function findSite(world: SiteWorld, hash: string): Promise<Site> {
  const [, id] = /^#tab=(\d+)$/.exec(hash) ?? []
  const tab = id === undefined ? await activeTab(world) : await world.tabs.get(Number(id)).catch(() => undefined)
  if (tab?.id === undefined) return { tab: -1, origin: null, refusal: 'The page is gone.', private: false }
  const refused = (refusal: string): Site => ({ tab: tab.id ?? -1, origin: null, refusal, private: tab.incognito })
  const url = tab.url === undefined ? null : URL.parse(tab.url)
  if (url === null) return refused(UNSEEN)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return refused(`Longwire serves web pages only, those of http: and https: addresses, not ${url.protocol}`)
  }
  if ((await ownOrigin(world, tab.id)) === 'null') return refused(OPAQUE)
  return { tab: tab.id, origin: url.origin, refusal: '', private: tab.incognito }
}

async function activeTab({ tabs }: SiteWorld): Promise<Tab | undefined> {
  const [tab] = await tabs.query({ active: true, currentWindow: true })
  return tab
}

/** The top frame's origin as it knows it itself, which is opaque where the URL's is not if the server sandboxes it. */
async function ownOrigin({ scripting }: SiteWorld, tabId: number): Promise<string | undefined> {
  try {
    const [frame] = await scripting.executeScript({ target: { tabId }, func: () => self.origin })
    return frame?.result
  } catch {
    // No permission for this page: then nothing of Longwire is in it either.
    return undefined
  }
}
