import type { Extension, Sender } from '../platform/platform'
import type { Status } from '../protocol/bridge'
import type { PolicySummary, ProviderOffer } from '../protocol/native'
import { SETTINGS_PAGE } from '../shared/names'
import { DEFAULT_PORT, parsePagePattern } from '../shared/page-patterns'
import type { WriterOffers } from '../shared/settings-page'
import type { Bridge, Peer } from './bridge'
import { isOwnPage } from './identity'
import type { PopupPort } from './popup'

/** Whether the writer's settings page holds the other end of a port. */
export function isSettingsPage(sender: Sender | undefined, extension: Extension): boolean {
  return isOwnPage(sender, extension, SETTINGS_PAGE)
}

/** A label that no policy names by itself: where a pattern names all below a name, it stands for those. */
const ANY_LABEL = 'any'

/**
 * Tells open settings pages whom the policy lets the writer ask. It asks the host what the writer itself would be told on a
 * page of each pattern, so that there is one judgement of that and not two.
 */
export class SettingsDesk {
  readonly #bridge: Pick<Bridge, 'fromPage' | 'pageGone'>
  readonly #open = new Set<SettingsSession>()
  #policy: PolicySummary | null = null

  constructor(bridge: Pick<Bridge, 'fromPage' | 'pageGone'>) {
    this.#bridge = bridge
  }

  /** A settings page opened. The caller has made sure that it is one. */
  open(port: PopupPort, when: (act: () => void) => void = (act) => act()): void {
    const session = new SettingsSession(port, this.#bridge, () => this.#policy?.writer ?? [])
    this.#open.add(session)
    port.onMessage.addListener(() => when(() => session.ask()))
    port.onDisconnect.addListener(() =>
      when(() => {
        session.close()
        this.#open.delete(session)
      })
    )
  }

  /** The host said what its policy is. */
  policyIs(policy: PolicySummary): void {
    this.#policy = policy
    for (const session of this.#open) session.policyChanged()
  }
}

class SettingsSession {
  readonly #port: PopupPort
  readonly #bridge: Pick<Bridge, 'fromPage' | 'pageGone'>
  readonly #patterns: () => readonly string[]
  /** Those of the question that is being answered. */
  #peers: Peer[] = []
  /** Counts questions: an answer to one before the last is none. */
  #question = 0
  /** The first answer is on its way, and the policy that comes before it is no news. */
  #greeting = false

  constructor(port: PopupPort, bridge: Pick<Bridge, 'fromPage' | 'pageGone'>, patterns: () => readonly string[]) {
    this.#port = port
    this.#bridge = bridge
    this.#patterns = patterns
  }

  ask(): void {
    this.close()
    const question = this.#question
    this.#greeting = true
    // In nobody's name: it starts the host, which says first which pages the writer has.
    this.#askAs('null', ({ state, fix = '' }) => {
      if (question !== this.#question) return
      this.#greeting = false
      if (state === 'ready') this.#askForPages(question)
      else this.#tell({ state, fix, pages: [] })
    })
  }

  policyChanged(): void {
    if (!this.#greeting && this.#question > 0) this.ask()
  }

  close(): void {
    this.#question += 1
    for (const peer of this.#peers.splice(0)) this.#bridge.pageGone(peer)
  }

  #askForPages(question: number): void {
    const patterns = this.#patterns()
    const answers = new Map<string, readonly ProviderOffer[]>()
    const tell = (): void =>
      this.#tell({
        state: 'ready',
        fix: '',
        pages: patterns.map((pattern) => ({ pattern, providers: answers.get(pattern) ?? [] }))
      })
    if (patterns.length === 0) tell()
    for (const pattern of patterns) {
      this.#askAs(originUnder(pattern), ({ providers = [] }) => {
        if (question !== this.#question) return
        answers.set(pattern, providers)
        if (answers.size === patterns.length) tell()
      })
    }
  }

  #askAs(origin: string, answered: (status: Status) => void): void {
    const page = { origin, tab: 0, frame: 0, document: 'settings', private: false, principal: 'writer' as const }
    const peer: Peer = {
      port: {
        postMessage: (message) => {
          const answer = message as Status | { type: 'WAITING' }
          // What it waits for, a settings page does not tell.
          if (answer.type === 'STATUS') answered(answer)
        },
        disconnect: () => undefined
      },
      identity: { page }
    }
    this.#peers.push(peer)
    this.#bridge.fromPage(peer, { type: 'STATUS_REQUEST', request: 1 })
  }

  #tell(offers: WriterOffers): void {
    try {
      this.#port.postMessage(offers)
    } catch {
      // The page closed, and its event is on the way.
    }
  }
}

/** The origin of a page that the pattern names. */
export function originUnder(text: string): string {
  const pattern = parsePagePattern(text)
  if (pattern === null) return 'null'
  const { scheme, host, wildcard, port } = pattern
  return new URL(`${scheme}://${wildcard ? `${ANY_LABEL}.` : ''}${host}:${port === '*' ? DEFAULT_PORT[scheme] : port}/`)
    .origin
}
