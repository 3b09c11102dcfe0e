/** An argument that is none, which would otherwise do nothing and say nothing. */
export class OptionError extends TypeError {
  override readonly name = 'OptionError'
  readonly code = 'UNKNOWN_OPTION'
  /** As it was given. */
  readonly option: string
  /** The one that is written most like it. */
  readonly nearest: string

  constructor(option: string, nearest: string, message: string) {
    super(message)
    this.option = option
    this.nearest = nearest
  }
}

/** Members of what a function takes; the values say nothing. */
export type Names<T> = Readonly<Record<keyof Required<T>, 0>>

/**
 * @param what how the options are called in the message
 * @throws {OptionError} a member of `given` that `known` has not
 */
export function checkOptions(given: object, known: Readonly<Record<string, 0>>, what: string): void {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(known, name)) continue
    if (Object.hasOwn(INIT, name)) {
      throw new OptionError(name, name, `\`${name}\` is not an option of ${what}: it belongs into the request's init`)
    }
    const nearest = nearestOf(name, Object.keys(known))
    throw new OptionError(name, nearest, `\`${name}\` is not an option of ${what}; the nearest is \`${nearest}\``)
  }
}

/** @throws {OptionError} an option of `stream` among the members of its init, where fetch would ignore it */
export function checkInit(init: object, options: Readonly<Record<string, 0>>): void {
  for (const name of Object.keys(init)) {
    if (!Object.hasOwn(options, name) || Object.hasOwn(INIT, name)) continue
    throw new OptionError(name, name, `\`${name}\` does not belong into the init: it is an option, the third argument`)
  }
}

/** What people put among the options, and fetch takes. */
const INIT: Readonly<Record<string, 0>> = {
  body: 0,
  cache: 0,
  credentials: 0,
  headers: 0,
  integrity: 0,
  keepalive: 0,
  longwire: 0,
  method: 0,
  mode: 0,
  redirect: 0,
  signal: 0
}

function nearestOf(name: string, known: readonly string[]): string {
  let nearest = ''
  let least = Infinity
  for (const candidate of known) {
    const steps = distance(name.toLowerCase(), candidate.toLowerCase())
    if (steps < least) {
      least = steps
      nearest = candidate
    }
  }
  return nearest
}

/** Levenshtein's: characters to add, leave out or change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const change = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1)
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
