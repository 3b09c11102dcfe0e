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

/** Under which name the patterns of the writer's pages are stored. */
export const STORED_WRITER_PAGES = 'writerPages'

/** What goes where, by patterns. */
export interface SitePatterns {
  /** Relay and shim. */
  readonly shim: PagePattern[]
  readonly writer: PagePattern[]
}

/**
 * Keeps relay and shim registered on exactly the page origins of the last WELCOME for which the browser permission
 * exists, and the writer on exactly those that it names for it. One registration per pattern: each has its own exclusion, and one that the browser refuses costs no other.
 * Where two patterns cover one page the scripts run twice there, which they notice.
 */
export class Sites {
  readonly #world: SitesWorld
  readonly #added: (added: SitePatterns) => Promise<void>
  readonly #limit: (patterns: PagePattern[]) => PagePattern[]
  #work: Promise<unknown> = Promise.resolve()

  /**
   * @param added told the patterns that were newly registered: pages already open under them carry no script yet
   * @param limit what is left of the policy's patterns where the browser's administrator takes some away
   */
  constructor(
    world: SitesWorld,
    added: (added: SitePatterns) => Promise<void>,
    limit: (patterns: PagePattern[]) => PagePattern[] = (patterns) => patterns
  ) {
    this.#world = world
    this.#added = added
    this.#limit = limit
  }

  /**
   * The policy names these pages, and these for the writer. Remembered: the host need not run when a permission comes or a
   * registration is gone.
   */
  update(pages: readonly string[], writer: readonly string[] = []): Promise<void> {
    return this.#inTurn(async () => {
      await this.#world.storage.set({ [STORED_PAGES]: pages, [STORED_WRITER_PAGES]: writer })
      await this.#register(await this.#permitted(pages, writer))
    })
  }

  /** Register what is missing and take back what is no longer due. */
  ensure(): Promise<void> {
    return this.#inTurn(async () => this.#register(await this.permitted()))
  }

  /** The patterns whose pages carry the scripts by registration. */
  async permitted(): Promise<SitePatterns> {
    return this.#permitted(await this.#stored(STORED_PAGES), await this.#stored(STORED_WRITER_PAGES))
  }

  /** Two events may come at once, and `registerContentScripts` fails for an id that exists. */
  #inTurn(task: () => Promise<void>): Promise<void> {
    const done = this.#work.then(task)
    this.#work = done.catch(() => undefined)
    return done
  }

  async #stored(name: string): Promise<string[]> {
    return storedPatterns(await this.#world.storage.get(name), name)
  }

  async #permitted(pages: readonly string[], writer: readonly string[]): Promise<SitePatterns> {
    // The manifest has the shim on some hosts already; the writer it has nowhere.
    const shim = this.#allowed(pages, (pattern) => !isStatic(pattern))
    return { shim: await shim, writer: await this.#allowed(writer, () => true) }
  }

  async #allowed(named: readonly string[], wanted: (pattern: PagePattern) => boolean): Promise<PagePattern[]> {
    const patterns = this.#limit(named.map(parsePagePattern).filter((pattern) => pattern !== null)).filter(wanted)
    const unique = [...new Map(patterns.map((pattern) => [matchOf(pattern), pattern])).values()]
    const allowed = await Promise.all(
      unique.map((pattern) => this.#world.permissions.contains({ origins: [permissionOf(pattern)] }))
    )
    return unique.filter((_, index) => allowed[index])
  }

  async #register({ shim, writer }: SitePatterns): Promise<void> {
    const present = new Set((await this.#world.scripting.getRegisteredContentScripts()).map((script) => script.id))
    const due = [...shim.flatMap(shimScripts), ...writer.map(writerScript)]
    const wanted = new Set(due.map(({ id }) => id))
    const stale = [...present].filter((id) => !wanted.has(id))
    if (stale.length > 0) await this.#world.scripting.unregisterContentScripts({ ids: stale })
    const added: SitePatterns = {
      shim: await this.#registerMissing(shim, shimScripts, present),
      writer: await this.#registerMissing(writer, (pattern) => [writerScript(pattern)], present)
    }
    if (added.shim.length > 0 || added.writer.length > 0) await this.#added(added)
  }

  async #registerMissing(
    patterns: readonly PagePattern[],
    scriptsFor: (pattern: PagePattern) => ContentScript[],
    present: ReadonlySet<string>
  ): Promise<PagePattern[]> {
    const added: PagePattern[] = []
    for (const pattern of patterns) {
      const missing = scriptsFor(pattern).filter((script) => !present.has(script.id))
      if (missing.length > 0 && (await this.#registerScripts(missing))) added.push(pattern)
    }
    return added
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

/** What was stored under this name, which may be anything. */
export function storedPatterns(stored: Record<string, unknown>, name: string): string[] {
  const { [name]: patterns } = stored
  return Array.isArray(patterns) ? patterns.filter((pattern) => typeof pattern === 'string') : []
}

function shimScripts(pattern: PagePattern): ContentScript[] {
  const match = matchOf(pattern)
  const where: Omit<ContentScript, 'id' | 'js' | 'world'> = {
    matches: [match],
    excludeMatches: excludedOf(pattern),
    runAt: 'document_start',
    allFrames: true,
    matchOriginAsFallback: true
  }
  return [
    { ...where, id: `relay ${match}`, js: ['relay.js'], world: 'ISOLATED' },
    { ...where, id: `page ${match}`, js: ['page.js'], world: 'MAIN' }
  ]
}

/** In the top frame, when there is something to see in it; nowhere else, and so in no frame that inherits its origin. */
function writerScript(pattern: PagePattern): ContentScript {
  const match = matchOf(pattern)
  return {
    id: `writer ${match}`,
    js: ['writer.js'],
    world: 'ISOLATED',
    matches: [match],
    excludeMatches: excludedOf(pattern),
    runAt: 'document_idle',
    allFrames: false,
    matchOriginAsFallback: false
  }
}
