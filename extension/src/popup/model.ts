import type { WaitsFor } from '../protocol/bridge'
import type { BridgeReport, DeniedRequest, Snapshot } from '../shared/popup'
import { sentence } from '../shared/text'
import { parsePagePattern, patternsFor, permissionOf } from '../worker/patterns'
import { type Suggestion, suggestGrant } from './grant'
import type { Site } from './site'

export type Tone = 'busy' | 'good' | 'warn' | 'bad'

/** What the popup shows above the streams. Texts may hold `code` in backticks. */
export interface View {
  /** The bridge in two words. */
  readonly badge: { readonly tone: Tone; readonly text: string }
  /** What is wrong with the bridge itself, and the way out; or what it waits for. */
  readonly problem: { readonly title: string; readonly text: string; readonly command: string | null } | null
  /** What the policy says of this page; null while there is nobody to ask. */
  readonly verdict: Verdict | null
  /** The browser permission that is missing where the policy names the page: to be asked for. */
  readonly permission: string | null
  /** What holds although it is not certain yet. */
  readonly note: string | null
  readonly versions: string
}

export interface Verdict {
  readonly tone: Tone
  readonly title: string
  readonly text: string
  readonly destinations: readonly string[]
  /** Lines of a policy file, ready to copy. */
  readonly suggestion: Suggestion | null
}

/** The permission that the policy's own pattern for this page needs. */
export function permissionFor(origin: string | null, snapshot: Snapshot | null): string | null {
  if (origin === null) return null
  const patterns = (snapshot?.policy?.pages ?? []).map(parsePagePattern).filter((pattern) => pattern !== null)
  const [first] = patternsFor(origin, patterns)
  return first === undefined ? null : permissionOf(first)
}

/**
 * @param permitted whether the browser lets the extension into the page; undefined as long as it has not said
 */
export function viewOf(site: Site, snapshot: Snapshot | null, permitted: boolean | undefined, version: string): View {
  const bridge = snapshot?.bridge ?? { kind: 'asking' }
  const up = bridge.kind === 'up' && !bridge.policyInvalid && snapshot !== null
  const granted = up && snapshot.destinations.length > 0
  const host = bridge.kind === 'up' ? `Host ${bridge.host} · Protocol ${bridge.protocol} · ` : ''
  const permission = granted && permitted === false ? permissionFor(site.origin, snapshot) : null
  const verdict = site.origin === null ? unserved(site) : up ? verdictOf(site.origin, site.private, snapshot) : null
  return {
    badge: badgeOf(bridge, snapshot),
    problem: problemOf(bridge, snapshot),
    verdict: verdict !== null && permission !== null ? { ...verdict, ...PENDING } : verdict,
    permission,
    note: snapshot?.unconfirmed ? UNCONFIRMED : null,
    versions: `${host}Extension ${version}`
  }
}

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

function badgeOf(bridge: BridgeReport, snapshot: Snapshot | null): View['badge'] {
  if (bridge.kind === 'asking') return { tone: 'busy', text: 'Connecting' }
  if (bridge.kind === 'down') {
    if (bridge.code === 'HOST_LOST') return { tone: 'warn', text: 'Host ended' }
    return { tone: 'bad', text: BADGES[bridge.state] ?? 'Not working' }
  }
  if (bridge.policyInvalid) return { tone: 'bad', text: 'Policy broken' }
  return snapshot?.policy?.state === 'missing' ? { tone: 'warn', text: 'No policy' } : { tone: 'good', text: 'Ready' }
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
    return { title, text: `${sentence(bridge.message)} ${sentence(bridge.fix)}`, command: commandIn(bridge.fix) }
  }
  if (bridge.kind === 'up' && bridge.policyInvalid) {
    const found = snapshot?.policy?.problem ?? bridge.fix ?? 'The host does not say why.'
    const text = `Nothing is open until it is mended. ${found}`
    return { title: 'The policy file cannot be used', text, command: null }
  }
  return null
}

/** The first command of Longwire's own in a text for people. */
function commandIn(text: string): string | null {
  return /`(longwire [^`]+)`/.exec(text)?.[1] ?? null
}

function unserved({ refusal }: Site): Verdict {
  return { tone: 'warn', title: 'This page cannot be served', text: refusal, destinations: [], suggestion: null }
}

function verdictOf(origin: string, privateWindow: boolean, snapshot: Snapshot): Verdict {
  const { destinations, denied, policy, bridge } = snapshot
  const suggestion = suggestGrant(origin, denied, privateWindow)
  const fix = bridge.kind === 'up' ? bridge.fix : undefined
  if (destinations.length > 0 && fix !== undefined) return suspended(fix, destinations)
  if (destinations.length > 0) {
    const refused =
      denied === null
        ? ''
        : `Refused: ${shown(denied)}. The page's error says why. Where no grant is for it, one would be:`
    return { ...GRANTED, text: refused, destinations, suggestion: denied === null ? null : suggestion }
  }
  const none = { tone: 'warn', destinations } as const
  if (policy?.state === 'missing') {
    const text =
      'Nothing is open before there is one. `longwire policy show` says where it belongs; it begins like this:'
    const lines = `version = 1\n\n${suggestion.lines}`
    return { ...none, title: 'There is no policy yet', text, suggestion: { ...suggestion, lines } }
  }
  if (privateWindow && permissionFor(origin, snapshot) !== null) {
    const text = 'A grant names this page, but not for private windows. This line in it would:'
    const lines = { lines: 'private_windows = true', example: false }
    return { ...none, title: 'Not in private windows', text, suggestion: lines }
  }
  if (fix !== undefined) return { ...none, title: 'Nothing is open', text: sentence(fix), suggestion: null }
  const refused = denied === null ? '' : `It asked for ${shown(denied)}. `
  const example = suggestion.example ? ', with the server that it needs as the destination' : ''
  const text = `${refused}Whoever administers the policy can add these lines${example}:`
  return { ...none, title: 'No grant names this page', text, suggestion }
}

/** The host has something to say of a page with a grant: a server sent its secret back. */
function suspended(fix: string, destinations: readonly string[]): Verdict {
  const command = commandIn(fix)
  return {
    tone: 'bad',
    title: 'A secret is suspended for this page',
    text: sentence(fix),
    destinations,
    suggestion: command === null ? null : { lines: command, example: false }
  }
}

const PENDING = { tone: 'warn', title: 'Once allowed, it may stream to' } as const
const GRANTED = { tone: 'good', title: 'This page may stream to' } as const

/** Without the query, which may be long and may be nobody else's business. */
function shown({ method, url }: DeniedRequest): string {
  const { origin, pathname } = new URL(url)
  const where = origin + pathname
  return `\`${method} ${where.length > 160 ? `${where.slice(0, 160)}…` : where}\``
}
