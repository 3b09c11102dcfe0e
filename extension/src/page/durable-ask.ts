import type { DurableAsk } from '../protocol/bridge'
import { execPattern, isSafeInteger, NativeTypeError } from './builtins'

/** What the host calls printable: no control and format characters, and of the spaces the usual one alone. */
const KEY = /^(?:[^\p{C}\p{Z}]| ){1,128}$/u

/** @throws {TypeError} */
export function checkKey(key: unknown): string {
  if (typeof key === 'string' && execPattern(KEY, key) !== null) return key
  throw new NativeTypeError('The key of a durable request is not a text of 1 to 128 printable characters')
}

/**
 * The `durable` of a call: a key, or `{ key, from }`.
 *
 * @throws {TypeError}
 */
export function readDurable(given: unknown): DurableAsk {
  if (typeof given !== 'object' || given === null) return { key: checkKey(given) }
  const { key, from = 0 } = given as { key: unknown; from?: unknown }
  if (!isSafeInteger(from) || (from as number) < 0) {
    throw new NativeTypeError('`longwire.durable.from` is not a number of bytes')
  }
  return { key: checkKey(key), offset: from as number }
}
