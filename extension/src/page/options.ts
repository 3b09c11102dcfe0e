import type { DurableAsk, Timeouts } from '../protocol/bridge'
import { MAX_TIMEOUT_MS } from '../protocol/constants'
import type { StreamEnd, UploadProgress } from './api'
import { bare, ceil, hasOwn, isFiniteNumber, keys, mapGet, NativeTypeError } from './builtins'
import { readDurable } from './durable-ask'

/** The options, checked. */
export interface Options extends Callbacks {
  readonly timeouts: Timeouts
  /** Have the request outlive the page; null if it is not to. */
  readonly durable: DurableAsk | null
}

/** What the page wants to be told of. */
interface Callbacks {
  onUploadProgress: ((progress: UploadProgress) => void) | null
  onEnd: ((end: StreamEnd) => void) | null
}

const TIMEOUT_FIELDS = new Map<string, keyof Timeouts>([
  ['headerTimeout', 'header_ms'],
  ['idleTimeout', 'idle_ms'],
  ['totalTimeout', 'total_ms']
])

const TIMEOUT_NAMES = 'headerTimeout, idleTimeout, totalTimeout'

/**
 * @param usual the timeouts of calls that name none
 * @throws {TypeError} an option that is none, or a value that is none of its values
 */
export function readOptions(given: unknown, usual: Timeouts = bare({})): Options {
  const timeouts: Timeouts = bare({ ...usual })
  const callbacks: Callbacks = { onUploadProgress: null, onEnd: null }
  let durable: DurableAsk | null = null
  if (given === undefined) return { timeouts, durable, ...callbacks }
  if (typeof given !== 'object' || given === null) throw new NativeTypeError('`longwire` is not an object')
  const names = keys(given)
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string
    const value = (given as Record<string, unknown>)[name]
    const field = mapGet(TIMEOUT_FIELDS, name)
    if (field === undefined && name !== 'durable' && !hasOwn(callbacks, name)) {
      throw new NativeTypeError(
        `\`longwire.${name}\` is not an option: those are ${TIMEOUT_NAMES}, onUploadProgress, onEnd, durable`
      )
    }
    if (value === undefined) continue
    if (name === 'durable') durable = readDurable(value)
    else if (field !== undefined) timeouts[field] = readMilliseconds(`longwire.${name}`, value)
    else if (typeof value === 'function') callbacks[name as keyof Callbacks] = value as () => void
    else throw new NativeTypeError(`\`longwire.${name}\` is not a function`)
  }
  return { timeouts, durable, ...callbacks }
}

/**
 * The `timeouts` of `longwire.patch`.
 *
 * @throws {TypeError}
 */
export function readTimeouts(given: unknown): Timeouts {
  const timeouts: Timeouts = bare({})
  if (given === undefined) return timeouts
  if (typeof given !== 'object' || given === null) throw new NativeTypeError('`timeouts` is not an object')
  const names = keys(given)
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string
    const value = (given as Record<string, unknown>)[name]
    const field = mapGet(TIMEOUT_FIELDS, name)
    if (field === undefined)
      throw new NativeTypeError(`\`timeouts.${name}\` is not an option: those are ${TIMEOUT_NAMES}`)
    if (value !== undefined) timeouts[field] = readMilliseconds(`timeouts.${name}`, value)
  }
  return timeouts
}

function readMilliseconds(name: string, value: unknown): number {
  if (!isFiniteNumber(value) || (value as number) <= 0 || (value as number) > MAX_TIMEOUT_MS) {
    throw new NativeTypeError(`\`${name}\` is not a number of milliseconds from 1 to ${MAX_TIMEOUT_MS}`)
  }
  return ceil(value as number)
}
