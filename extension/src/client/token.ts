import { StreamError } from './errors'

/** A bearer token, or where to get it. Without one, the request goes as it is: the host may inject what it needs. */
export type Token = string | (() => string | null | undefined | Promise<string | null | undefined>)

/**
 * The value of an Authorization header.
 *
 * @throws {StreamError} NOT_AUTHENTICATED: there is no token, and the request was not sent
 */
export async function authorization(token: Token): Promise<string> {
  const value = typeof token === 'function' ? await token() : token
  if (!value) {
    throw new StreamError('NOT_AUTHENTICATED', 'There is no token for this request: sign in, or set one, first')
  }
  return `Bearer ${value}`
}

/** A token that the page keeps in its storage (by default localStorage) under `key`, read anew for each attempt. */
export function storedToken(key: string, storage?: Pick<Storage, 'getItem'>): Token {
  return () => (storage ?? globalThis.localStorage).getItem(key)
}
