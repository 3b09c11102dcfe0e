/** A page-origin pattern of the policy file: `scheme://host`, optionally with a `*.` label and a port or `:*`. */
export interface PagePattern {
  readonly text: string
  readonly scheme: 'http' | 'https'
  /** As URLs write it: lower case, punycode, IPv6 in brackets; without the `*.`. */
  readonly host: string
  /** Any name under `host`, one label or more, but not `host` itself. */
  readonly wildcard: boolean
  /** Decimal, never empty; `*` is every port. */
  readonly port: string
}

const SHAPE = /^(https?):\/\/(\*\.)?(\[[\da-f:.]+\]|[^\s:/?#@*[\]]+)(?::(\d{1,5}|\*))?$/i

export const DEFAULT_PORT = { http: '80', https: '443' } as const

/** Pages that carry the shim by the manifest itself, whatever the policy says. */
export const STATIC_HOSTS: readonly string[] = ['localhost', '127.0.0.1']

/** @returns null for what is not a page-origin pattern */
export function parsePagePattern(text: string): PagePattern | null {
  const parts = SHAPE.exec(text)
  if (parts === null) return null
  const [, written, star, name, port] = parts
  const scheme = written?.toLowerCase() === 'https' ? 'https' : 'http'
  const host = URL.parse(`${scheme}://${name}/`)?.hostname
  if (host === undefined || Number(port) > 65_535) return null
  return { text, scheme, host, wildcard: star !== undefined, port: port ?? DEFAULT_PORT[scheme] }
}

/** The pattern as Chromium's match pattern, which without a port would cover every port. */
export function matchOf(pattern: PagePattern): string {
  return `${pattern.scheme}://${pattern.wildcard ? '*.' : ''}${pattern.host}:${pattern.port}/*`
}

/** What the match pattern covers too much: to Chromium `*.example.com` includes `example.com`, to the policy it does not. */
export function excludedOf(pattern: PagePattern): string[] {
  return pattern.wildcard ? [matchOf({ ...pattern, wildcard: false })] : []
}

/** The browser permission that covers the pattern. Permissions know no ports. */
export function permissionOf(pattern: PagePattern): string {
  return `${pattern.scheme}://${pattern.wildcard ? '*.' : ''}${pattern.host}/*`
}

/** Whether the pages of this pattern carry the shim by the manifest already. */
export function isStatic(pattern: PagePattern): boolean {
  return !pattern.wildcard && STATIC_HOSTS.includes(pattern.host)
}

/** Whether a page of this origin is one that carries the shim. */
export function carriesShim(origin: string, patterns: readonly PagePattern[]): boolean {
  const url = URL.parse(origin)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false
  return STATIC_HOSTS.includes(url.hostname) || patternsFor(origin, patterns).length > 0
}

/** Those of the patterns that name a page of this origin. */
export function patternsFor(origin: string, patterns: readonly PagePattern[]): PagePattern[] {
  const url = URL.parse(origin)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return []
  const scheme = url.protocol === 'https:' ? 'https' : 'http'
  const port = url.port === '' ? DEFAULT_PORT[scheme] : url.port
  return patterns.filter(
    (pattern) =>
      pattern.scheme === scheme &&
      (pattern.port === '*' || pattern.port === port) &&
      (pattern.wildcard ? url.hostname.endsWith(`.${pattern.host}`) : url.hostname === pattern.host)
  )
}
