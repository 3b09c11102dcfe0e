// What the guards are made of. A guard may meet anything that a structured clone can carry, in a page whose built-ins
// were replaced after this module ran: so built-ins are captured here, only own properties are read, nothing is
// iterated by protocol, and whatever throws is a refusal.

type Check = (value: unknown) => boolean
type Fields = Readonly<Record<string, Check>>
type Getter = (this: unknown) => unknown

const { apply, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect
const { assign, create, hasOwn } = Object
const { isArray } = Array
const { isSafeInteger } = Number
const { isWellFormed, charCodeAt } = String.prototype
const typedArray = getPrototypeOf(Uint8Array.prototype) as object
const tagOf = getterOf(typedArray, Symbol.toStringTag)
const byteLengthOf = getterOf(typedArray, 'byteLength')
const bufferOf = getterOf(typedArray, 'buffer')
const bufferByteLengthOf = getterOf(ArrayBuffer.prototype, 'byteLength')

function getterOf(prototype: object, name: PropertyKey): Getter {
  return getOwnPropertyDescriptor(prototype, name)?.get as Getter
}

function isObject(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null && !isArray(value)
}

function table<T>(entries: Readonly<Record<string, T>>): Readonly<Record<PropertyKey, T | undefined>> {
  return assign(create(null), entries)
}

/** Exactly these fields: every required one, any of the optional ones, nothing else. */
// @__NO_SIDE_EFFECTS__
function record(required: Fields, optional: Fields = {}): Check {
  const checks = table({ ...required, ...optional })
  const isRequired = table(required)
  const requiredCount = ownKeys(required).length
  return (value) => {
    if (!isObject(value)) return false
    const names = ownKeys(value)
    let found = 0
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as PropertyKey
      if (checks[name]?.(value[name]) !== true) return false
      if (isRequired[name]) found++
    }
    return found === requiredCount
  }
}

/** The member that the value's own field `tag` names. */
// @__NO_SIDE_EFFECTS__
function union(tag: string, members: Fields): Check {
  const checks = table(members)
  return (value) => {
    if (!isObject(value) || !hasOwn(value, tag)) return false
    const name = value[tag]
    return typeof name === 'string' && checks[name]?.(value) === true
  }
}

/** A dense array without properties of its own; `checkAt` says what belongs at an index. */
function isDense(value: unknown, maxItems: number, checkAt: (index: number) => Check): boolean {
  if (!isArray(value) || value.length > maxItems || ownKeys(value).length !== value.length + 1) return false
  for (let i = 0; i < value.length; i++) if (!hasOwn(value, i) || !checkAt(i)(value[i])) return false
  return true
}

// @__NO_SIDE_EFFECTS__
function list(check: Check, maxItems: number): Check {
  return (value) => isDense(value, maxItems, () => check)
}

// @__NO_SIDE_EFFECTS__
function tuple(...checks: Check[]): Check {
  return (value) =>
    isArray(value) && value.length === checks.length && isDense(value, checks.length, (i) => checks[i] as Check)
}

/** The bounds count code points, as the host does. Lone surrogates are refused: no UTF-8 frame could carry them. */
// @__NO_SIDE_EFFECTS__
function text(min: number, max: number): Check {
  return (value) => {
    if (typeof value !== 'string' || value.length < min || value.length > 2 * max) return false
    return apply(isWellFormed, value, []) && (value.length <= max || codePoints(value) <= max)
  }
}

function codePoints(wellFormed: string): number {
  let count = wellFormed.length
  for (let i = 0; i < wellFormed.length; i++) if ((apply(charCodeAt, wellFormed, [i]) & 0xfc00) === 0xd800) count--
  return count
}

/** Body bytes on the native hop. Only the length is looked at: whoever decodes them judges the alphabet. */
// @__NO_SIDE_EFFECTS__
function base64(maxBytes: number): Check {
  return (value) => {
    if (typeof value !== 'string' || value.length % 4 !== 0) return false
    const padding = isPadding(value, value.length - 1) + isPadding(value, value.length - 2)
    return (value.length / 4) * 3 - padding <= maxBytes
  }
}

function isPadding(value: string, index: number): number {
  return apply(charCodeAt, value, [index]) === 0x3d ? 1 : 0
}

/** Body bytes on the bridge: a Uint8Array of any realm on memory that nobody shares. */
// @__NO_SIDE_EFFECTS__
function bytes(maxBytes: number): Check {
  return (value) => {
    // Each getter throws or gives undefined on anything that is not what its name says.
    if (apply(tagOf, value, []) !== 'Uint8Array') return false
    apply(bufferByteLengthOf, apply(bufferOf, value, []), [])
    return (apply(byteLengthOf, value, []) as number) <= maxBytes
  }
}

// @__NO_SIDE_EFFECTS__
function integer(min: number, max: number): Check {
  return (value) => isSafeInteger(value) && (value as number) >= min && (value as number) <= max
}

// @__NO_SIDE_EFFECTS__
function oneOf(...values: string[]): Check {
  const known = table(assign(create(null), ...values.map((value) => ({ [value]: true }))))
  return (value) => typeof value === 'string' && known[value] === true
}

function boolean(value: unknown): boolean {
  return typeof value === 'boolean'
}

function total(check: Check, value: unknown): boolean {
  try {
    return check(value)
  } catch {
    return false
  }
}
