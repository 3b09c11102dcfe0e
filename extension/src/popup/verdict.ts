import type { ErrorCode } from '../protocol/errors'
import { GENERATE_URL } from '../shared/names'
import type { DeniedRequest, Snapshot } from '../shared/popup'
import { sentence } from '../shared/text'
import { type Suggestion, suggestGrant } from './grant'
import type { Site } from './site'

/** How a badge looks. */
export type Tone = 'busy' | 'good' | 'warn' | 'bad'

/** What the policy, and all that it refers to, mean for the page. `good` only where nothing is known to be missing. */
export interface Verdict {
  readonly tone: Extract<Tone, 'good' | 'warn' | 'bad'>
  /** The same in two words, beside the name. */
  readonly badge: string
  readonly title: string
  readonly text: string
  readonly destinations: readonly Destination[]
  /** Lines of a policy file or a command, ready to copy. */
  readonly suggestion: Suggestion | null
}

export interface Destination {
  readonly text: string
  /** Requests there would fail. */
  readonly blocked: boolean
}

export function unserved({ refusal }: Site): Verdict {
  const text = refusal
  return {
    tone: 'warn',
    badge: 'Not here',
    title: 'This page cannot be served',
    text,
    destinations: [],
    suggestion: null
  }
}

/** The page may, once the browser lets the extension into it. */
export const pending = (verdict: Verdict): Verdict => ({
  ...verdict,
  tone: 'warn',
  badge: 'Not allowed yet',
  title: verdict.destinations.length > 0 ? 'Once allowed, it may stream to' : 'Once allowed, the writer is on this page'
})

/** Whether a grant lets the page do anything. */
export const mayReach = ({ destinations, providers }: Snapshot): boolean => destinations.length + providers.length > 0

/** Who is named on the page: itself by a grant, if only for other windows, and the writer. */
export interface Named {
  readonly named: boolean
  readonly writer: boolean
}

export function verdictOf(
  origin: string,
  privateWindow: boolean,
  { named, writer }: Named,
  snapshot: Snapshot
): Verdict {
  if (mayReach(snapshot)) return granted(origin, privateWindow, snapshot)
  const { denied, policy, bridge } = snapshot
  if (writer && denied === null) {
    const text = 'It has grants of its own. The page itself has none.'
    const title = 'The writer is on this page'
    return { tone: 'good', badge: 'Writer', title, text, destinations: [], suggestion: null }
  }
  const suggestion = suggestGrant(origin, denied, privateWindow)
  const fix = bridge.kind === 'up' ? bridge.fix : undefined
  const none = { tone: 'warn', destinations: [] } as const
  if (policy?.state === 'missing') {
    const text =
      'Nothing is open before there is one. `longwire policy show` says where it belongs; it begins like this:'
    const lines = `version = 1\n\n${(suggestion ?? suggestGrant(origin, null, privateWindow))?.lines}`
    return {
      ...none,
      badge: 'No policy',
      title: 'There is no policy yet',
      text,
      suggestion: { example: suggestion?.example ?? true, lines }
    }
  }
  if (privateWindow && named) {
    const text = 'A grant names this page, but not for private windows. This line in it would:'
    const lines = { lines: 'private_windows = true', example: false }
    return { ...none, badge: 'Not in private', title: 'Not in private windows', text, suggestion: lines }
  }
  if (fix !== undefined) {
    return {
      ...none,
      tone: 'bad',
      badge: 'Nothing open',
      title: 'Nothing is open',
      text: sentence(fix),
      suggestion: null
    }
  }
  const title = 'No grant names this page'
  const refused = denied === null ? '' : `It asked for ${shown(denied)}. `
  if (suggestion === null) return { ...none, badge: 'No grant', title, text: refused + hopeless(denied), suggestion }
  const example = suggestion.example ? ', with the server that it needs as the destination' : ''
  const text = `${refused}Whoever administers the policy can add these lines${example}:`
  return { ...none, badge: 'No grant', title, text, suggestion }
}

const TITLES: Partial<Record<ErrorCode, string>> = {
  SECRET_REFLECTED: 'A secret is suspended for this page',
  SECRET_UNAVAILABLE: 'A secret is missing',
  UPSTREAM_TLS: 'A grant’s authorities cannot be used',
  POLICY_DENIED: 'An address is out of reach'
}

function granted(origin: string, privateWindow: boolean, snapshot: Snapshot): Verdict {
  const { denied, obstacles, providers } = snapshot
  const blocked = new Set(obstacles.flatMap(({ destinations }) => destinations))
  const silent = new Set(obstacles.flatMap(({ providers = [] }) => providers))
  const destinations = [
    ...snapshot.destinations.map((text) => ({ text, blocked: blocked.has(text) })),
    ...providers.map(({ name, models }) => ({ text: `${name}: ${models.join(', ')}`, blocked: silent.has(name) }))
  ]
  const [first] = obstacles
  if (first !== undefined) {
    const all = destinations.every((destination) => destination.blocked)
    const more = obstacles.length > 1 ? ` And ${obstacles.length - 1} more.` : ''
    const { command } = first
    return {
      tone: all ? 'bad' : 'warn',
      badge: all ? 'Not working' : 'Not all works',
      title: TITLES[first.code] ?? 'Something is missing',
      text: sentence(first.message) + more,
      destinations,
      suggestion: command === undefined ? null : { lines: command, example: false }
    }
  }
  const title = snapshot.destinations.length > 0 ? 'This page may stream to' : 'This page may generate with'
  if (denied === null) return { tone: 'good', badge: 'Ready', title, text: '', destinations, suggestion: null }
  const refused = { tone: 'warn', badge: 'Refused', title, destinations } as const
  const text = `Refused: ${shown(denied)}. `
  const command = checkCommand(origin, denied, snapshot.destinations)
  if (command !== null) {
    const why = 'This says what its grant lacks, and the lines for that:'
    return { ...refused, text: text + why, suggestion: { lines: command, example: false } }
  }
  const suggestion = suggestGrant(origin, denied, privateWindow)
  const why = suggestion === null ? hopeless(denied) : 'Where no grant is for it, one would be:'
  return { ...refused, text: `${text}The page’s error says why. ${why}`, suggestion }
}

/** Why no lines of a policy would allow it. */
function hopeless(denied: DeniedRequest | null): string {
  const upper = denied?.method.toUpperCase() ?? ''
  if (denied?.method !== upper) return `Methods are case-sensitive: the page has to write \`${upper}\`.`
  return 'No grant can open that address.'
}

// What a shell, of whatever system, takes as it is. A page chose the URL that it was refused, and somebody pastes this.
const PLAIN_URL = /^https?:\/\/[\w.:[\]-]+\/[\w./~-]*$/
const PLAIN_METHOD = /^[A-Z]+$/

/** A server that a grant reaches already: what else belongs into a grant for it, only the host knows. */
function checkCommand(origin: string, { method, url }: DeniedRequest, destinations: readonly string[]): string | null {
  const asked = new URL(url)
  const target = asked.origin + asked.pathname
  const known = destinations.some((text) => URL.parse(text)?.origin === asked.origin)
  if (!known || !PLAIN_URL.test(target) || !PLAIN_METHOD.test(method)) return null
  return `longwire policy check --page ${origin} --url ${target} --method ${method}`
}

/** Without the query, which may be long and may be nobody else's business. */
function shown({ method, url }: DeniedRequest): string {
  if (url === GENERATE_URL) return 'an answer of a language model'
  const { origin, pathname } = new URL(url)
  const where = origin + pathname
  return `\`${method} ${where.length > 160 ? `${where.slice(0, 160)}…` : where}\``
}
