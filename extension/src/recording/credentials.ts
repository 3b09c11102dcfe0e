import table from '../../../manifests/credentials.json'

/** A shorter one would be found everywhere. */
export const MIN_NEEDLE_CHARS = 8

/** Each is looked for in every piece; the oldest goes. */
const MAX_NEEDLES = 256
const MAX_NAME_CHARS = 64
const SCHEME = /^(?:bearer|basic|token|apikey|digest|negotiate|aws4-hmac-sha256)\s+/i
const HARMLESS_VALUE = /^-?[0-9]{0,6}$/
/** A URL is the value, or the end of it; in `link` there are several, in angle brackets. */
const WITH_URLS: ReadonlySet<string> = new Set(['location', 'content-location', 'referer', 'origin', 'refresh'])
const USER_INFO = /(?<=:\/\/)[^/@]*(?=@)/g
/** What a body is read by: a word in it is no credential, though one was the same. */
const OF_THE_BODY = /^(?:content|accept)(?:-|$)/

const names = new RegExp(`${table.strong}|(?:^|[-_.])(?:${table.weak.join('|')})(?:$|[-_.])`, 'i')
const harmlessHeaders = new RegExp(table.harmless_headers, 'i')
const harmlessWords: ReadonlySet<string> = new Set(table.harmless_words)
export const shapes = new RegExp(table.shapes.join('|'), 'g')
export const requestFields = new RegExp(table.request_fields, 'i')
export const harmlessFields = new RegExp(table.harmless_fields, 'i')
export const responseFields = new RegExp(table.response_fields, 'i')

/** What stands for a credential: it may be in a URL and in a header, and says which it was. */
export function placeholder(name: string): string {
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return `(secret:${slug.slice(0, MAX_NAME_CHARS) || 'value'})`
}

/** Whether a header of this name has one, whatever its value looks like. */
export function isCredentialHeader(name: string): boolean {
  return names.test(name) && !harmlessHeaders.test(name)
}

type Pairs = readonly (readonly [string, string])[]

/**
 * Takes the credentials out of one stream's heads, and remembers them as `needles` for its bodies. As `credentials.py` of the
 * host; `tests/vectors/recordings` holds both to the same answers.
 */
export class Redaction {
  readonly needles: Set<string>

  /** @param needles what streams of the same page had before: what a page sends once, it sends again in other places */
  constructor(needles = new Set<string>()) {
    this.needles = needles
  }

  /** The same fields. URLs in them lose what `url` takes from one. */
  headers(pairs: Pairs): [string, string][] {
    return pairs.map(([name, value]) => [name, this.#header(name, value)])
  }

  /** Path as it is, save what looks like a key; of a query the names, and values that say nothing. */
  url(url: string): string {
    const [rest = '', hash] = cut(url, '#')
    const [path = '', query] = cut(rest, '?')
    const parameters = query?.split('&').map((each) => this.#parameter(each))
    const bare = path.replace(USER_INFO, placeholder('user-info'))
    const shown = this.#known(this.#shapes(bare, 'path'), 'path')
    return `${shown}${parameters ? `?${parameters.join('&')}` : ''}${hash === undefined ? '' : '#'}`
  }

  /** Subprotocols, in which pages hand over tokens. What is replaced keeps what stands before its last dot. */
  protocols(offered: readonly string[]): string[] {
    return offered.map((name) => this.#protocol(name))
  }

  #header(name: string, value: string): string {
    if (isCredentialHeader(name)) {
      const kept = SCHEME.exec(value)?.[0] ?? ''
      this.#remember(value.slice(kept.length))
      return value === '' ? value : kept + placeholder(name)
    }
    const field = name.toLowerCase()
    if (WITH_URLS.has(field)) return this.url(value)
    let shown = value
    if (field === 'link') shown = value.replace(/<([^>]*)>/g, (_, url: string) => `<${this.url(url)}>`)
    else if (field === 'sec-websocket-protocol')
      shown = this.protocols(value.split(',').map((each) => each.trim())).join(', ')
    shown = this.#shapes(shown, name)
    return OF_THE_BODY.test(field) ? shown : this.#known(shown, name)
  }

  #parameter(text: string): string {
    const [given = '', value] = cut(text, '=')
    if (value === undefined) return isHarmless(text) ? text : placeholder('query')
    const name = given.length > MAX_NAME_CHARS || looksLikeKey(given) ? placeholder('query') : given
    const decoded = unquote(name)
    if (names.test(decoded)) {
      this.#remember(value)
      return value === '' ? text : `${name}=${placeholder(decoded)}`
    }
    if (isHarmless(value)) return `${name}=${value}`
    if (looksLikeKey(value)) this.#remember(value)
    return `${name}=${placeholder(decoded)}`
  }

  #protocol(name: string): string {
    if (!names.test(name) && !looksLikeKey(name) && name.length <= MAX_NAME_CHARS) return name
    const kept = name.slice(0, name.lastIndexOf('.') + 1)
    this.#remember(name.slice(kept.length))
    return kept + placeholder('protocol')
  }

  #shapes(text: string, name: string): string {
    return text.replace(shapes, (found) => {
      this.#remember(found)
      return placeholder(name)
    })
  }

  /** What a head had before, in whatever it comes again. */
  #known(text: string, name: string): string {
    const longestFirst = [...this.needles].sort((one, other) => other.length - one.length)
    return longestFirst.reduce((shown, needle) => shown.replaceAll(needle, placeholder(name)), text)
  }

  /** In the forms in which it may come back. */
  #remember(secret: string): void {
    for (const form of [secret, unquote(secret), passwordOf(secret)]) {
      if (form.length < MIN_NEEDLE_CHARS) continue
      this.needles.add(form)
      const [oldest] = this.needles
      if (this.needles.size > MAX_NEEDLES && oldest !== undefined) this.needles.delete(oldest)
    }
  }
}

function looksLikeKey(text: string): boolean {
  return text.search(shapes) !== -1
}

function isHarmless(value: string): boolean {
  return HARMLESS_VALUE.test(value) || harmlessWords.has(value.toLowerCase())
}

/** What stands before the first `mark` and what behind it, which is undefined without one. */
function cut(text: string, mark: string): [string, string?] {
  const at = text.indexOf(mark)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

function unquote(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

/** In a value of HTTP's basic scheme; empty if it is none. */
function passwordOf(secret: string): string {
  try {
    const userPassword = new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.fromBase64(secret))
    return userPassword.slice(userPassword.indexOf(':') + 1 || userPassword.length)
  } catch {
    return ''
  }
}
