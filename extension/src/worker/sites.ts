import type { ContentScript, Permissions, Registrations, Storage } from '../platform/platform'
import {
  excludedOf,
  isStatic,
  matchOf,
  type PagePattern,
  parsePagePattern,
  permissionOf
} from '../shared/page-patterns'

/** What decides where the shim goes. */
export interface SitesWorld {
  readonly scripting: Registrations
  readonly permissions: Pick<Permissions, 'contains'>
  readonly storage: Storage
}

const STORED_PAGES = 'pages'

/**
 * Keeps relay and shim registered on exactly the page origins of the last WELCOME for which the browser permission
 * exists. One registration per pattern: each has its own exclusion, and one that the browser refuses costs no other.
 * Where two patterns cover one page the scripts run twice there, which they notice.
 */
export class Sites {
  readonly #world: SitesWorld
  readonly #added: (patterns: PagePattern[]) => Promise<void>
  readonly #limit: (patterns: PagePattern[]) => PagePattern[]
  #work: Promise<unknown> = Promise.resolve()

  /**
   * @param added told the patterns that were newly registered: pages already open under them carry no shim yet
   * @param limit what is left of the policy's patterns where the browser's administrator takes some away
   */
  constructor(
    world: SitesWorld,
    added: (patterns: PagePattern[]) => Promise<void>,
    limit: (patterns: PagePattern[]) => PagePattern[] = (patterns) => patterns
  ) {
    this.#world = world
    this.#added = added
    this.#limit = limit
  }

  /** The policy names these pages. Remembered: the host need not run when a permission comes or a registration is gone. */
  update(pages: readonly string[]): Promise<void> {
    return this.#inTurn(async () => {
      await this.#world.storage.set({ [STORED_PAGES]: pages })
      await this.#register(pages)
    })
  }

  /** Register what is missing and take back what is no longer due. */
  ensure(): Promise<void> {
    return this.#inTurn(async () => this.#register(await this.#stored()))
  }

  /** The patterns whose pages carry the shim by registration. */
  async permitted(): Promise<PagePattern[]> {
    return this.#permitted(await this.#stored())
  }

  /** Two events may come at once, and `registerContentScripts` fails for an id that exists. */
  #inTurn(task: () => Promise<void>): Promise<void> {
    const done = this.#work.then(task)
    this.#work = done.catch(() => undefined)
    return done
  }

  async #stored(): Promise<string[]> {
    const { [STORED_PAGES]: pages } = await this.#world.storage.get(STORED_PAGES)
    return Array.isArray(pages) ? pages.filter((page) => typeof page === 'string') : []
  }

  async #permitted(pages: readonly string[]): Promise<PagePattern[]> {
    const named = pages.map(parsePagePattern).filter((pattern) => pattern !== null)
    const patterns = this.#limit(named).filter((pattern) => !isStatic(pattern))
    const unique = [...new Map(patterns.map((pattern) => [matchOf(pattern), pattern])).values()]
    const allowed = await Promise.all(
      unique.map((pattern) => this.#world.permissions.contains({ origins: [permissionOf(pattern)] }))
    )
    return unique.filter((_, index) => allowed[index])
  }

  async #register(pages: readonly string[]): Promise<void> {
    const due = new Map((await this.#permitted(pages)).map((pattern) => [matchOf(pattern), pattern]))
    const present = new Set((await this.#world.scripting.getRegisteredContentScripts()).map((script) => script.id))
    const wanted = new Set([...due.keys()].flatMap((match) => [relayId(match), pageId(match)]))
    const stale = [...present].filter((id) => !wanted.has(id))
    if (stale.length > 0) await this.#world.scripting.unregisterContentScripts({ ids: stale })
    const added: PagePattern[] = []
    for (const [match, pattern] of due) {
      const missing = scriptsFor(pattern, match).filter((script) => !present.has(script.id))
      if (missing.length > 0 && (await this.#registerScripts(missing))) added.push(pattern)
    }
    if (added.length > 0) await this.#added(added)
  }

  async #registerScripts(scripts: ContentScript[]): Promise<boolean> {
    try {
      await this.#world.scripting.registerContentScripts(scripts)
      return true
    } catch (error) {
      console.warn('Longwire: the browser does not take this page pattern of the policy', scripts[0]?.matches, error)
      return false
    }
  }
}

const relayId = (match: string) => `relay ${match}`
const pageId = (match: string) => `page ${match}`

function scriptsFor(pattern: PagePattern, match: string): ContentScript[] {
  const where: Omit<ContentScript, 'id' | 'js' | 'world'> = {
    matches: [match],
    excludeMatches: excludedOf(pattern),
    runAt: 'document_start',
    allFrames: true,
    matchOriginAsFallback: true
  }
  return [
    { ...where, id: relayId(match), js: ['relay.js'], world: 'ISOLATED' },
    { ...where, id: pageId(match), js: ['page.js'], world: 'MAIN' }
  ]
}
