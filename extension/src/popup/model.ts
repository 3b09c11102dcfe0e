import type { WaitsFor } from '../protocol/bridge'
import { type PagePattern, parsePagePattern, patternsFor, permissionOf } from '../shared/page-patterns'
import type { BridgeReport, Snapshot } from '../shared/popup'
import { sentence } from '../shared/text'
import type { Site } from './site'
import { mayReach, pending, type Tone, unserved, type Verdict, verdictOf } from './verdict'

/** What the popup shows above the streams. Texts may hold `code` in backticks. */
export interface View {
  /** The bridge in two words. */
  readonly badge: { readonly tone: Tone; readonly text: string }
  /** What is wrong with the bridge itself, and the way out; or what it waits for. */
  readonly problem: { readonly title: string; readonly text: string; readonly command: string | null } | null
  /** What the policy says of this page; null while there is nobody to ask. Its tone is the badge's where a host answers. */
  readonly verdict: Verdict | null
  /** The browser permission that is missing where the policy names the page: to be asked for. */
  readonly permission: string | null
  /** What holds although it is not certain yet. */
  readonly note: string | null
  /** The policy has a writer, whose settings there are. */
  readonly writer: boolean
  readonly versions: string
}

/** The permission that the policy's own pattern for this page needs, be it for the page or for the writer on it. */
export function permissionFor(origin: string | null, snapshot: Snapshot | null): string | null {
  const { pages = [], writer = [] } = snapshot?.policy ?? {}
  const [first] = naming(origin, [...pages, ...writer])
  return first === undefined ? null : permissionOf(first)
}

/** Those of the policy's patterns that name the page. */
function naming(origin: string | null, texts: readonly string[]): PagePattern[] {
  const patterns = texts.map(parsePagePattern).filter((pattern) => pattern !== null)
  return origin === null ? [] : patternsFor(origin, patterns)
}

const hasWriter = (origin: string | null, snapshot: Snapshot) =>
  naming(origin, snapshot.policy?.writer ?? []).length > 0

/**
 * @param permitted whether the browser lets the extension into the page; undefined as long as it has not said
 */
export function viewOf(site: Site, snapshot: Snapshot | null, permitted: boolean | undefined, version: string): View {
  const bridge = snapshot?.bridge ?? { kind: 'asking' }
  const up = bridge.kind === 'up' && !bridge.policyInvalid && snapshot !== null
  const granted = up && (mayReach(snapshot) || hasWriter(site.origin, snapshot))
  // The worker answers for the host where it may not be started.
  const host = bridge.kind === 'up' && bridge.host !== '' ? `Host ${bridge.host} · Protocol ${bridge.protocol} · ` : ''
  const permission = granted && permitted === false ? permissionFor(site.origin, snapshot) : null
  const judged = up && site.origin !== null ? judge(site.origin, site.private, snapshot) : null
  const served = judged !== null && permission !== null ? pending(judged) : judged
  const verdict = site.origin === null ? unserved(site) : served
  return {
    badge: badgeOf(bridge, verdict),
    problem: problemOf(bridge, snapshot),
    verdict,
    permission,
    note: noteOf(site.origin, snapshot),
    writer: (snapshot?.policy?.writer ?? []).length > 0,
    versions: `${host}Extension ${version}`
  }
}

function judge(origin: string, privateWindow: boolean, snapshot: Snapshot): Verdict {
  const named = naming(origin, snapshot.policy?.pages ?? []).length > 0
  return verdictOf(origin, privateWindow, { named, writer: hasWriter(origin, snapshot) }, snapshot)
}

function noteOf(origin: string | null, snapshot: Snapshot | null): string | null {
  const silenced = snapshot?.policy?.silenced
  const notes = [
    // Where it is all that there is, the verdict says so.
    snapshot !== null && mayReach(snapshot) && hasWriter(origin, snapshot) ? WRITER_TOO : null,
    snapshot?.unconfirmed ? UNCONFIRMED : null,
    silenced ? `Your own policy file does not count, because the administrator’s alone decides: ${silenced}` : null
  ].filter((note) => note !== null)
  return notes.length > 0 ? notes.join(' ') : null
}

const WRITER_TOO = 'The writer is on this page, too, with grants of its own.'

const UNCONFIRMED =
  'The browser has started and has not said yet what its administrator set for Longwire. What was last known holds until then.'

/** What is waited for, to people. */
const WAITS: Record<WaitsFor, { readonly title: string; readonly text: string }> = {
  settings: {
    title: 'Waiting for the browser’s storage',
    text: 'It holds what the administrator of this browser set for Longwire.'
  },
  permission: {
    title: 'Waiting for the browser’s permission',
    text: 'The browser was asked whether it lets Longwire into this site.'
  },
  host: {
    title: 'Starting the host',
    text: 'The browser was asked to start it. A machine under load takes seconds; after 10 s it counts as failed.'
  }
}

const BADGES: Partial<Record<string, string>> = {
  'host-missing': 'Not installed',
  'host-forbidden': 'Forbidden',
  'host-failed': 'Not working'
}

function badgeOf(bridge: BridgeReport, verdict: Verdict | null): View['badge'] {
  if (bridge.kind === 'asking') return { tone: 'busy', text: 'Connecting' }
  if (bridge.kind === 'down') {
    if (bridge.code === 'HOST_LOST') return { tone: 'warn', text: 'Host ended' }
    return { tone: 'bad', text: BADGES[bridge.state] ?? 'Not working' }
  }
  if (bridge.policyInvalid) return { tone: 'bad', text: 'Policy broken' }
  return { tone: verdict?.tone ?? 'warn', text: verdict?.badge ?? 'Not here' }
}

const TITLES: Partial<Record<string, string>> = {
  HOST_LOST: 'The host ended',
  VERSION_MISMATCH: 'Extension and host do not match',
  'host-missing': 'The host is not installed',
  'host-forbidden': 'The browser forbids the host'
}

function problemOf(bridge: BridgeReport, snapshot: Snapshot | null): View['problem'] {
  if (bridge.kind === 'asking' && snapshot?.waitsFor) return { ...WAITS[snapshot.waitsFor], command: null }
  if (bridge.kind === 'down') {
    const title = TITLES[bridge.code] ?? TITLES[bridge.state] ?? 'The host does not work'
    return { title, text: `${sentence(bridge.message)} ${sentence(bridge.fix)}`, command: bridge.command }
  }
  if (bridge.kind === 'up' && bridge.policyInvalid) {
    const found = snapshot?.policy?.problem ?? bridge.fix ?? 'The host does not say why.'
    const text = `Nothing is open until it is mended. ${found}`
    return { title: 'The policy file cannot be used', text, command: null }
  }
  return null
}
