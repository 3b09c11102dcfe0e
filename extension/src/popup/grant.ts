import type { DeniedRequest } from '../shared/popup'

/** The lines of a policy file that would open something, for an administrator to look at and to add. */
export interface Suggestion {
  readonly lines: string
  /** The destination in it is an example: nobody knows yet where the page wants to go. */
  readonly example: boolean
}

/** As `suggest_grant` of the host, but for whole sites where no request was seen. */
export function suggestGrant(origin: string, denied: DeniedRequest | null, privateWindow: boolean): Suggestion {
  const target = denied === null ? null : URL.parse(denied.url)
  const destination = target === null ? 'https://api.example.com/' : target.origin + folderOf(target)
  const methods = denied === null ? ['GET', 'POST'] : [denied.method]
  const lines = [
    '[[grant]]',
    `name = ${text(nameOf(origin, methods, target))}`,
    `pages = [${text(origin)}]`,
    `destinations = [${text(destination)}]`,
    `methods = [${methods.map(text).join(', ')}]`,
    `network = ${text(target === null ? 'public' : likelyNetwork(target.hostname))}`
  ]
  if (privateWindow) lines.push('private_windows = true')
  return { lines: lines.join('\n'), example: target === null }
}

/** Nothing in it needs escaping in TOML: origins, canonical URLs and HTTP methods have no quotes and no backslashes. */
const text = (value: string) => `"${value}"`

/** Two grants of one name close the whole policy, so it says what the lines are for; at most 64 characters. */
function nameOf(origin: string, methods: readonly string[], target: URL | null): string {
  const { host } = new URL(origin)
  return (target === null ? host : `${host} ${methods[0]} ${target.host}`).slice(0, 64).trim()
}

/** What lies below the URL's folder; the host takes no prefix with encoded dots, slashes and the like in it. */
function folderOf({ pathname }: URL): string {
  const folder = pathname.slice(0, pathname.lastIndexOf('/') + 1)
  return /%|;|\/\//.test(folder) ? '/' : folder
}

const PRIVATE_HOST = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cde])/

/** What the name or address looks like. The host judges what it resolves to. */
function likelyNetwork(hostname: string): 'public' | 'private' | 'loopback' {
  if (/^(127\.|\[::1\])|(^|\.)localhost$/.test(hostname)) return 'loopback'
  return PRIVATE_HOST.test(hostname) ? 'private' : 'public'
}
