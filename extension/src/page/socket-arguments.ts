import {
  append,
  bare,
  baseUrl,
  charCodeAt,
  headersForEach,
  indexOf,
  isArray,
  iteratorSymbol,
  keys,
  NativeDOMException,
  NativeHeaders,
  NativeTypeError,
  NativeURL,
  setUrlProtocol,
  urlHash,
  urlHref,
  urlProtocol
} from './builtins'
import type { SocketPlan } from './socket'

/** RFC 9110 section 5.6.2, besides letters and digits. */
const TOKEN_MARKS = "!#$%&'*+-.^_`|~"

/**
 * The second argument of undici's, Deno's and Bun's WebSocket: the standard's, or an object of options.
 *
 * @throws {DOMException} SyntaxError: a URL or a protocol that is none
 * @throws {TypeError} an option that is none
 */
export function readSocketArguments(url: unknown, second: unknown): SocketPlan {
  // Converted both before either is judged, as Web IDL does it.
  const address = `${url}`
  const { protocols, headers } = readSecond(second)
  const parsed = parseSocketUrl(address)
  checkProtocols(protocols)
  return { url: urlHref(parsed), protocols, headers }
}

/** @throws {DOMException} SyntaxError */
export function parseSocketUrl(text: string): URL {
  let url: URL
  try {
    url = new NativeURL(text, baseUrl())
  } catch {
    throw new NativeDOMException(`The URL '${text}' is invalid.`, 'SyntaxError')
  }
  const scheme = urlProtocol(url)
  if (scheme === 'http:') setUrlProtocol(url, 'ws:')
  else if (scheme === 'https:') setUrlProtocol(url, 'wss:')
  else if (scheme !== 'ws:' && scheme !== 'wss:') {
    throw new NativeDOMException(
      `The URL's scheme must be either 'http', 'https', 'ws', or 'wss'. '${scheme}' is not allowed.`,
      'SyntaxError'
    )
  }
  // Also an empty one: `href` ends in it, and `hash` does not show it.
  const { length } = urlHref(url)
  if (urlHash(url) !== '' || urlHref(url)[length - 1] === '#') {
    throw new NativeDOMException(
      'The URL contains a fragment identifier. Fragment identifiers are not allowed.',
      'SyntaxError'
    )
  }
  return url
}

interface Second {
  readonly protocols: string[]
  readonly headers: [string, string][]
}

function readSecond(second: unknown): Second {
  const isObject = (typeof second === 'object' && second !== null) || typeof second === 'function'
  if (second === undefined) return { protocols: [], headers: [] }
  if (!isObject) return { protocols: [`${second}`], headers: [] }
  if (isArray(second) || isIterable(second)) return { protocols: readList(second), headers: [] }
  const names = keys(second)
  for (let i = 0; i < names.length; i++) {
    if (names[i] !== 'protocols' && names[i] !== 'headers') {
      throw new NativeTypeError(`\`${names[i]}\` is not an option of a WebSocket: those are protocols, headers`)
    }
  }
  const { protocols, headers } = second as { protocols?: unknown; headers?: unknown }
  return { protocols: readProtocols(protocols), headers: readSocketHeaders(headers) }
}

/** A protocol, or several. */
export function readProtocols(given: unknown): string[] {
  if (given === undefined) return []
  return isArray(given) || (typeof given === 'object' && isIterable(given)) ? readList(given) : [`${given}`]
}

/** @throws {TypeError} what Headers does not take */
export function readSocketHeaders(given: unknown): [string, string][] {
  const pairs: [string, string][] = []
  if (given === undefined) return pairs
  headersForEach(new NativeHeaders(given as HeadersInit), (value: string, name: string) => {
    if (!isForbidden(name)) append(pairs, [name, value])
  })
  return pairs
}

/** Fetch standard, "forbidden request-header": fetch drops them without a word, and so do we. */
function isForbidden(name: string): boolean {
  return NEVER_SENT[name] === 0 || indexOf(name, 'proxy-') === 0 || indexOf(name, 'sec-') === 0
}

const NEVER_SENT: Record<string, 0> = bare({
  'accept-charset': 0,
  'accept-encoding': 0,
  'access-control-request-headers': 0,
  'access-control-request-method': 0,
  'access-control-request-private-network': 0,
  connection: 0,
  'content-length': 0,
  cookie: 0,
  cookie2: 0,
  date: 0,
  dnt: 0,
  expect: 0,
  host: 0,
  'keep-alive': 0,
  origin: 0,
  referer: 0,
  'set-cookie': 0,
  te: 0,
  trailer: 0,
  'transfer-encoding': 0,
  upgrade: 0,
  via: 0
})

function isIterable(value: unknown): boolean {
  return (value as { [Symbol.iterator]?: unknown })[iteratorSymbol] != null
}

/** By its own protocol, an array by its indices: a page may have replaced what iterates arrays, and has not meant us. */
function readList(given: unknown): string[] {
  const list: string[] = []
  if (isArray(given)) {
    for (let i = 0; i < given.length; i++) append(list, `${given[i]}`)
    return list
  }
  const iterator = (given as Iterable<unknown>)[iteratorSymbol]()
  for (let step = iterator.next(); step.done !== true; step = iterator.next()) append(list, `${step.value}`)
  return list
}

/** @throws {DOMException} SyntaxError: one that is no token, or comes twice */
export function checkProtocols(protocols: readonly string[]): void {
  for (let i = 0; i < protocols.length; i++) {
    const protocol = protocols[i] as string
    if (!isToken(protocol)) {
      throw new NativeDOMException(`The subprotocol '${protocol}' is invalid.`, 'SyntaxError')
    }
    for (let j = 0; j < i; j++) {
      if (protocols[j] === protocol) {
        throw new NativeDOMException(`The subprotocol '${protocol}' is duplicated.`, 'SyntaxError')
      }
    }
  }
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = charCodeAt(text, i)
    const digit = unit >= 48 && unit <= 57
    const letter = (unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122)
    if (!digit && !letter && indexOf(TOKEN_MARKS, text[i] as string) === -1) return false
  }
  return text.length > 0
}
