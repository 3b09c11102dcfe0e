import type { Timeouts } from '../protocol/bridge'
import { MAX_TIMEOUT_MS } from '../protocol/constants'
import { bare, ceil, isFiniteNumber, keys, mapGet, NativeTypeError } from './builtins'

/** How much of a request body the host has taken from the page, in bytes. */
export interface UploadProgress {
  readonly sent: number
  /** Null if nobody knows: a stream or an async iterable. */
  readonly total: number | null
}

/** The `longwire` member of the init. */
export interface StreamOptions {
  /** Milliseconds, more than 0 and at most 24 hours, as are the other two. */
  headerTimeout?: number
  idleTimeout?: number
  totalTimeout?: number
  /** Called as the host takes the request body; for the last time, with all of it, before the response is there. */
  onUploadProgress?: (progress: UploadProgress) => void
}

/** The options, checked. */
export interface Options {
  readonly timeouts: Timeouts
  readonly onUploadProgress: ((progress: UploadProgress) => void) | null
}

const TIMEOUT_FIELDS = new Map<string, keyof Timeouts>([
  ['headerTimeout', 'header_ms'],
  ['idleTimeout', 'idle_ms'],
  ['totalTimeout', 'total_ms']
])

/** @throws {TypeError} an option that is none, or a value that is none of its values */
export function readOptions(given: unknown): Options {
  const timeouts: Timeouts = bare({})
  let onUploadProgress: Options['onUploadProgress'] = null
  if (given === undefined) return { timeouts, onUploadProgress }
  if (typeof given !== 'object' || given === null) throw new NativeTypeError('`longwire` is not an object')
  const names = keys(given)
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string
    const value = (given as Record<string, unknown>)[name]
    const field = mapGet(TIMEOUT_FIELDS, name)
    if (field === undefined && name !== 'onUploadProgress') {
      throw new NativeTypeError(`\`longwire.${name}\` is not an option`)
    }
    if (value === undefined) continue
    if (field !== undefined) timeouts[field] = readMilliseconds(name, value)
    else if (typeof value === 'function') onUploadProgress = value as (progress: UploadProgress) => void
    else throw new NativeTypeError('`longwire.onUploadProgress` is not a function')
  }
  return { timeouts, onUploadProgress }
}

function readMilliseconds(name: string, value: unknown): number {
  if (!isFiniteNumber(value) || (value as number) <= 0 || (value as number) > MAX_TIMEOUT_MS) {
    throw new NativeTypeError(`\`longwire.${name}\` is not a number of milliseconds from 1 to ${MAX_TIMEOUT_MS}`)
  }
  return ceil(value as number)
}
