import type { Extension, Sender } from '../platform/platform'
import type { Status, WaitsFor } from '../protocol/bridge'
import type { PolicySummary } from '../protocol/native'
import { POPUP_PAGE } from '../shared/names'
import type { BridgeReport, FromPopup, Snapshot } from '../shared/popup'
import { isSiteSwitch } from '../shared/site-switches'
import type { Bridge, Peer } from './bridge'
import type { Denials } from './denials'
import type { Failure } from './failure'
import { isOwnPage } from './identity'
import type { LiveStreams } from './live-streams'
import type { SiteSwitches } from './site-switches'
import type { Totals } from './totals'

/** How often an open popup hears how its streams come along. */
export const SNAPSHOT_INTERVAL_MS = 1_000

/** What takes longer says what for. */
export const WORTH_A_WORD_MS = 1_000

/** How far the worker itself has come. */
export interface Standing {
  /** What pages of this origin wait for before the host can answer them. */
  waitsFor(origin: string | null): WaitsFor | null
  /** Whether the browser has said which switches its administrator set. */
  confirmed(): boolean
}

/** What the desk needs of the popup's runtime port. */
export interface PopupPort {
  postMessage(message: unknown): void
  readonly onMessage: { addListener(listener: (message: unknown) => void): void }
  readonly onDisconnect: { addListener(listener: () => void): void }
}

/** Whether the extension's own popup holds the other end of a port. */
export function isPopup(sender: Sender | undefined, extension: Extension): boolean {
  return isOwnPage(sender, extension, POPUP_PAGE)
}

/**
 * Tells open popups how things stand: at once when something changes, else once a second. Nothing here outlives its
 * popup, and of the host it asks what the watched page itself may ask, once.
 */
export class PopupDesk {
  readonly #bridge: Pick<Bridge, 'fromPage' | 'pageGone' | 'stop'>
  readonly #streams: Pick<LiveStreams, 'of'>
  readonly #denials: Denials
  readonly #switches: Pick<SiteSwitches, 'offAt' | 'set'>
  readonly #totals: Pick<Totals, 'today'>
  readonly #standing: Standing
  readonly #open = new Set<PopupSession>()
  #policy: PolicySummary | null = null

  constructor(
    bridge: Pick<Bridge, 'fromPage' | 'pageGone' | 'stop'>,
    streams: Pick<LiveStreams, 'of'>,
    denials: Denials,
    switches: Pick<SiteSwitches, 'offAt' | 'set'>,
    totals: Pick<Totals, 'today'>,
    standing: Standing = { waitsFor: () => null, confirmed: () => true }
  ) {
    this.#bridge = bridge
    this.#streams = streams
    this.#denials = denials
    this.#switches = switches
    this.#totals = totals
    this.#standing = standing
  }

  /**
   * A popup opened. The caller has made sure that it is one.
   *
   * @param when does something once the worker may serve, in the order of the calls. It holds messages back, not their
   *   listener: what arrives before there is one is lost.
   */
  open(port: PopupPort, when: (act: () => void) => void = (act) => act()): void {
    const session = new PopupSession(
      port,
      this.#bridge,
      this.#streams,
      this.#denials,
      this.#switches,
      this.#totals,
      this.#standing,
      () => this.#policy
    )
    this.#open.add(session)
    port.onMessage.addListener((message) => when(() => session.receive(message as FromPopup)))
    port.onDisconnect.addListener(() =>
      when(() => {
        session.close()
        this.#open.delete(session)
      })
    )
  }

  /** The host said what its policy is. */
  policyIs(policy: PolicySummary): void {
    if (policy.digest !== this.#policy?.digest) this.#denials.clear()
    this.#policy = policy
    this.askAgain()
  }

  /** What the host answered last may not hold any more. */
  askAgain(): void {
    for (const session of this.#open) session.policyChanged()
  }

  /** The host is gone. It is not asked again: it would be started again only to end again. */
  hostLost({ state, code, message, fix, command }: Failure): void {
    for (const session of this.#open) session.settle({ kind: 'down', state, code, message, fix, command })
  }
}

/** What the host says of the watched page. */
type Reach = Pick<Snapshot, 'destinations' | 'providers' | 'obstacles'>

const NOTHING: Reach = { destinations: [], providers: [], obstacles: [] }

class PopupSession {
  readonly #port: PopupPort
  readonly #bridge: Pick<Bridge, 'fromPage' | 'pageGone' | 'stop'>
  readonly #streams: Pick<LiveStreams, 'of'>
  readonly #denials: Denials
  readonly #switches: Pick<SiteSwitches, 'offAt' | 'set'>
  readonly #totals: Pick<Totals, 'today'>
  readonly #standing: Standing
  readonly #policy: () => PolicySummary | null
  #watched: Extract<FromPopup, { type: 'WATCH' }> | null = null
  /** In whose name the host is asked: the watched page's. */
  #peer: Peer | null = null
  #report: BridgeReport = { kind: 'asking' }
  #asking = false
  #askedAt = 0
  #reach: Reach = NOTHING
  #lastRequest = 0
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(
    port: PopupPort,
    bridge: Pick<Bridge, 'fromPage' | 'pageGone' | 'stop'>,
    streams: Pick<LiveStreams, 'of'>,
    denials: Denials,
    switches: Pick<SiteSwitches, 'offAt' | 'set'>,
    totals: Pick<Totals, 'today'>,
    standing: Standing,
    policy: () => PolicySummary | null
  ) {
    this.#port = port
    this.#bridge = bridge
    this.#streams = streams
    this.#denials = denials
    this.#switches = switches
    this.#totals = totals
    this.#standing = standing
    this.#policy = policy
  }

  receive(message: FromPopup): void {
    if (message.type === 'WATCH') this.#watch(message)
    else if (message.type === 'ASK') this.#askAnew()
    else if (message.type === 'SWITCH') this.#switch(message)
    else if (this.#watched !== null) {
      this.#bridge.stop(this.#watched.tab, message.stream)
      this.#tell()
    }
  }

  #switch({ which, on }: Extract<FromPopup, { type: 'SWITCH' }>): void {
    const origin = this.#watched?.origin ?? null
    if (origin === null || !isSiteSwitch(which)) return
    void this.#switches.set(origin, which, on === true)
    this.#tell()
  }

  close(): void {
    clearInterval(this.#timer)
    if (this.#peer !== null) this.#bridge.pageGone(this.#peer)
  }

  policyChanged(): void {
    // While an answer is on its way this is the WELCOME that comes before it.
    if (!this.#asking) this.#ask()
  }

  settle(report: BridgeReport, reach: Reach = NOTHING): void {
    this.#asking = false
    this.#report = report
    this.#reach = reach
    this.#tell()
  }

  #watch(message: Extract<FromPopup, { type: 'WATCH' }>): void {
    if (this.#peer !== null) this.#bridge.pageGone(this.#peer)
    this.#watched = message
    const origin = message.origin ?? 'null'
    this.#peer = {
      port: { postMessage: (answer) => this.#answered(answer as Status), disconnect: () => undefined },
      identity: { page: { origin, tab: message.tab, frame: 0, document: 'popup', private: message.private } }
    }
    this.#timer ??= setInterval(() => this.#tell(), SNAPSHOT_INTERVAL_MS)
    this.#askAnew()
  }

  /** Ask, and say no more of the last answer. */
  #askAnew(): void {
    this.#report = { kind: 'asking' }
    this.#reach = NOTHING
    this.#ask()
    this.#tell()
  }

  #ask(): void {
    if (this.#peer === null) return
    if (!this.#asking) this.#askedAt = performance.now()
    this.#asking = true
    this.#lastRequest += 1
    // The host may be lost while it is being asked, and `settle` called before this returns.
    this.#bridge.fromPage(this.#peer, { type: 'STATUS_REQUEST', request: this.#lastRequest })
  }

  #answered(status: Status): void {
    const { request, state, host = '', protocol = 0, destinations, providers = [], fix, obstacles = [] } = status
    // A lost host comes through `hostLost`, which knows more of it.
    if (request !== this.#lastRequest || (state !== 'ready' && state !== 'policy-invalid')) return
    const report = { kind: 'up', policyInvalid: state === 'policy-invalid', host, protocol, fix } as const
    this.settle(report, { destinations, providers, obstacles })
  }

  #tell(): void {
    if (this.#watched === null) return
    const { tab, origin } = this.#watched
    const at = performance.now()
    const snapshot: Snapshot = {
      tab,
      waitsFor: this.#asking && at - this.#askedAt >= WORTH_A_WORD_MS ? this.#standing.waitsFor(origin) : null,
      unconfirmed: at >= WORTH_A_WORD_MS && !this.#standing.confirmed(),
      bridge: this.#report,
      policy: this.#policy(),
      ...this.#reach,
      denied: origin === null ? null : this.#denials.of(tab, origin),
      streams: this.#streams.of(tab),
      off: origin === null ? [] : this.#switches.offAt(origin),
      today: this.#totals.today,
      at
    }
    try {
      this.#port.postMessage(snapshot)
    } catch {
      // The popup closed and its event is on the way.
    }
  }
}
