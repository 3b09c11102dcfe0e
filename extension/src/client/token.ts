import { StreamError } from './errors'
import { checkOptions, type Names } from './options'

/** A token, or where to get it. */
export type TokenValue = string | (() => string | null | undefined | Promise<string | null | undefined>)

/** Which header it goes into, and how. */
export interface TokenOptions {
  value: TokenValue
  /** `Authorization` by default. */
  header?: string
  /** The word before it: by default `Bearer` in `Authorization`, and none in any other. */
  scheme?: string
}

/** What authenticates a request. Without one, the request goes as it is: the host may inject what it needs. */
export type Token = TokenValue | TokenOptions

const OPTIONS: Names<TokenOptions> = { value: 0, header: 0, scheme: 0 }

/** @throws {TypeError} no token can be had from this, or no header be named so */
export function checkToken(token: Token | undefined): void {
  if (typeof token !== 'object' || token === null) return
  checkOptions(token, OPTIONS, 'a token')
  new Headers([[token.header ?? 'authorization', '']])
}

/**
 * Put the token into the headers of a request.
 *
 * @throws {StreamError} NOT_AUTHENTICATED: there is no token, and the request was not sent
 */
export async function authenticate(headers: Headers, token: Token): Promise<void> {
  const { value: source, header = 'authorization', scheme } = typeof token === 'object' ? token : { value: token }
  const value = typeof source === 'function' ? await source() : source
  if (!value) {
    throw new StreamError('NOT_AUTHENTICATED', 'There is no token for this request: sign in, or set one, first')
  }
  const word = scheme ?? (header.toLowerCase() === 'authorization' ? 'Bearer' : '')
  headers.set(header, word === '' ? value : `${word} ${value}`)
}

/** A token that the page keeps in its storage (by default localStorage) under `key`, read anew for each attempt. */
export function storedToken(key: string, storage?: Pick<Storage, 'getItem'>): TokenValue {
  return () => (storage ?? globalThis.localStorage).getItem(key)
}
