import {
  append,
  bare,
  bytesToBase64,
  digest,
  indexOf,
  NativeTypeError,
  NativeUint8Array,
  sliceString,
  startsWith
} from './builtins'

/** Digests of which one must be the body's; all by the same algorithm. */
export interface Integrity {
  readonly algorithm: string
  /** Base64 without padding. */
  readonly digests: readonly string[]
}

/** Weakest first. */
const ALGORITHMS = bare({ 'sha256-': 'SHA-256', 'sha384-': 'SHA-384', 'sha512-': 'SHA-512' })
const WHITE_SPACE = ' \t\n\f\r'

/**
 * Subresource Integrity, section 3.3: of the tokens that name a known algorithm those of the strongest count, all others
 * are ignored.
 *
 * @returns null if nothing is asked for
 * @throws {TypeError} it cannot be checked here: the page relies on it, so it is not ignored
 */
export function readIntegrity(metadata: string): Integrity | null {
  let integrity: { algorithm: string; digests: string[] } | null = null
  for (const prefix in ALGORITHMS) {
    const digests = digestsOf(metadata, prefix)
    if (digests.length > 0) integrity = { algorithm: ALGORITHMS[prefix as keyof typeof ALGORITHMS], digests }
  }
  if (integrity !== null && digest === undefined) {
    throw new NativeTypeError('`integrity` cannot be checked: the page is no secure context')
  }
  // Signatures are checked against keys that servers send along; Chromium does, Longwire does not.
  if (indexOf(metadata, 'ed25519-') !== -1) throw new NativeTypeError('longwire.fetch does not check signatures')
  return integrity
}

/** @throws {TypeError} the body is another one */
export async function checkIntegrity(body: ArrayBuffer, { algorithm, digests }: Integrity): Promise<void> {
  const bytes = new NativeUint8Array(await (digest as SubtleCrypto['digest'])(algorithm, body))
  const found = readDigest(bytesToBase64(bytes))
  for (let i = 0; i < digests.length; i++) if (digests[i] === found) return
  throw new NativeTypeError(`The response is not the one that \`integrity\` names: its ${algorithm} is ${found}`)
}

function digestsOf(metadata: string, prefix: string): string[] {
  const digests: string[] = []
  for (let at = 0; at < metadata.length; ) {
    let end = at
    while (end < metadata.length && indexOf(WHITE_SPACE, metadata[end] as string) === -1) end += 1
    const token = sliceString(metadata, at, end)
    if (startsWith(token, prefix)) {
      const value = readDigest(sliceString(token, prefix.length))
      if (value !== '') append(digests, value)
    }
    at = end + 1
  }
  return digests
}

/** Either alphabet, with or without padding, up to the options; empty if it is no base64. */
function readDigest(text: string): string {
  let value = ''
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string
    if (character === '?' || character === '=') break
    if (indexOf(BASE64, character) === -1) return ''
    value += character === '-' ? '+' : character === '_' ? '/' : character
  }
  return value
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_'
