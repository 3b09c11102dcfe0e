import { GENERATE_URL } from '../shared/names'
import type { DeniedRequest } from '../shared/popup'

/** The lines of a policy file that would open something, for an administrator to look at and to add. */
export interface Suggestion {
  readonly lines: string
  /** The destination in it is an example: nobody knows yet where the page wants to go. */
  readonly example: boolean
}

/**
 * As `suggest_grant` of the host, but for whole sites where no request was seen.
 *
 * @returns null if no lines would allow it: a method that only differs in case from one of HTTP's, or an address that no
 *   grant can open
 */
export function suggestGrant(origin: string, denied: DeniedRequest | null, privateWindow: boolean): Suggestion | null {
  if (denied?.url === GENERATE_URL) return suggestProvider(origin, privateWindow)
  const target = denied === null ? null : URL.parse(denied.url)
  const destination = target === null ? 'https://api.example.com/' : target.origin + folderOf(target)
  const methods = denied === null ? ['GET', 'POST'] : [denied.method]
  const network = target === null ? 'public' : likelyNetwork(target.hostname)
  if (network === null || methods.some((method) => method !== method.toUpperCase() && STANDARD.test(method))) {
    return null
  }
  const lines = [
    '[[grant]]',
    `name = ${text(nameOf(origin, methods, target))}`,
    `pages = [${text(origin)}]`,
    `destinations = [${text(destination)}]`,
    `methods = [${methods.map(text).join(', ')}]`,
    `network = ${text(network)}`
  ]
  if (privateWindow) lines.push('private_windows = true')
  return { lines: lines.join('\n'), example: target === null }
}

/** Which provider the page asked for, and which there are, only the host knows. */
function suggestProvider(origin: string, privateWindow: boolean): Suggestion {
  const name = nameOf(origin, ['generate'], null)
  const lines = ['[[grant]]', `name = ${text(name)}`, `pages = [${text(origin)}]`, 'generate = ["openai"]']
  if (privateWindow) lines.push('private_windows = true')
  return { lines: lines.join('\n'), example: true }
}

/** Nothing in it needs escaping in TOML: origins, canonical URLs and HTTP methods have no quotes and no backslashes. */
const text = (value: string) => `"${value}"`

/** Two grants of one name close the whole policy, so it says what the lines are for; at most 64 characters. */
function nameOf(origin: string, methods: readonly string[], target: URL | null): string {
  const { host } = new URL(origin)
  return (target === null ? host : `${host} ${methods[0]} ${target.host}`).slice(0, 64).trim()
}

/**
 * What lies below the URL's folder; the host takes no prefix with encoded dots, slashes and the like in it, and no path with
 * them below one.
 */
function folderOf({ pathname }: URL): string {
  const folder = pathname.slice(0, pathname.lastIndexOf('/') + 1)
  return /%|;|\/\//.test(folder) || /%(2e|2f|5c|25)|%(?![\da-f]{2})/i.test(pathname) ? '/' : folder
}

/** Of HTTP, in whatever case: the policy takes them in upper case only, and a page sends `patch` as it writes it. */
const STANDARD = /^(delete|get|head|options|patch|post|put)$/i

// As `addresses.py` of the host, in short: it judges the address itself.
const PRIVATE_HOST =
  /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|198\.1[89]\.|\[f[cd])/
const NO_GRANTS_HOST = /^(0\.|169\.254\.|2(2[4-9]|[345]\d)\.|\[fe|\[ff|\[::\]|100\.100\.100\.200$)/

/** What the name or address looks like, null for what no grant can open. The host judges what it resolves to. */
function likelyNetwork(hostname: string): 'public' | 'private' | 'loopback' | null {
  if (NO_GRANTS_HOST.test(hostname)) return null
  if (/^(127\.|\[::1\])|(^|\.)localhost$/.test(hostname)) return 'loopback'
  return PRIVATE_HOST.test(hostname) ? 'private' : 'public'
}
