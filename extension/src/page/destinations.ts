import {
  append,
  endsWith,
  indexOf,
  NativeTypeError,
  NativeURL,
  sliceString,
  startsWith,
  urlHostname,
  urlPathname,
  urlPort,
  urlProtocol
} from './builtins'

/** One entry of a grant's `destinations`. That a URL is under it is a guess at what the host will decide, no decision. */
export interface Destination {
  readonly protocol: string
  /** Also every host below it, and not it itself. */
  readonly wildcard: boolean
  readonly hostname: string
  /** Empty for the scheme's own. */
  readonly port: string
  /** With a slash at its end it holds what is below, else itself too. */
  readonly path: string
}

/**
 * @param texts as the policy has them: scheme, host (one leading `*.` allowed), port, path prefix
 * @throws {TypeError} one of them is none
 */
export function readDestinations(texts: readonly string[]): readonly Destination[] {
  const destinations: Destination[] = []
  for (let i = 0; i < texts.length; i++) append(destinations, readDestination(`${texts[i]}`))
  return destinations
}

export function isUnder(url: URL, destinations: readonly Destination[]): boolean {
  for (let i = 0; i < destinations.length; i++) if (matches(url, destinations[i] as Destination)) return true
  return false
}

function readDestination(text: string): Destination {
  const scheme = indexOf(text, '://')
  const wildcard = startsWith(sliceString(text, scheme + 3), '*.')
  try {
    if (scheme === -1) throw new NativeTypeError('no scheme')
    const url = new NativeURL(wildcard ? sliceString(text, 0, scheme + 3) + sliceString(text, scheme + 5) : text)
    return {
      protocol: urlProtocol(url),
      wildcard,
      hostname: urlHostname(url),
      port: urlPort(url),
      path: urlPathname(url)
    }
  } catch {
    throw new NativeTypeError(`\`${text}\` is no destination: write it as the policy does, https://api.example.com/v1/`)
  }
}

function matches(url: URL, { protocol, wildcard, hostname, port, path }: Destination): boolean {
  if (urlProtocol(url) !== protocol || urlPort(url) !== port) return false
  const host = urlHostname(url)
  if (wildcard ? !endsWith(host, `.${hostname}`) : host !== hostname) return false
  const asked = urlPathname(url)
  if (endsWith(path, '/')) return startsWith(asked, path)
  return asked === path || startsWith(asked, `${path}/`)
}
