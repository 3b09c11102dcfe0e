// What a client's error is to the code that catches it, as plain data that can be compared.

/** The messages of Chromium's own fetch, before and after headers. */
const BROWSERS = new Set(['Failed to fetch', 'network error'])
/** What users of these clients look at. */
const LOOKED_AT = ['status', 'statusCode', 'status_code', 'code', 'type', 'param', 'error', 'requestID', 'isRetryable']
const MORE = ['responseBody', 'data', 'reason']
const DEEPEST = 5

/** Whether the fetch itself failed: with that a client can do the same, whatever the words. */
function isNetworkFailure(error: unknown): error is TypeError {
  return error instanceof TypeError && (('code' in error && 'phase' in error) || BROWSERS.has(error.message))
}

function networkText(error: unknown, depth = 0): string | null {
  if (isNetworkFailure(error)) return error.message
  if (depth > DEEPEST || !(error instanceof Error)) return null
  return networkText(error.cause, depth + 1)
}

function classes(error: object): string[] {
  const names: string[] = []
  for (let one = Object.getPrototypeOf(error); one !== null; one = Object.getPrototypeOf(one)) {
    const { name } = one.constructor
    if (name === 'Object') break
    names.push(name)
  }
  return names
}

/** The error's classes, name, words, and what is looked at; the words of a failed fetch are written `NETWORK`. */
export function describe(error: unknown, depth = 0): unknown {
  if (isNetworkFailure(error)) return 'NETWORK'
  if (!(error instanceof Error)) return { thrown: String(error) }
  const text = networkText(error)
  const described: Record<string, unknown> = {
    classes: classes(error),
    name: error.name,
    message: text === null ? error.message : error.message.replaceAll(text, 'NETWORK')
  }
  for (const name of [...LOOKED_AT, ...MORE]) {
    const value = (error as unknown as Record<string, unknown>)[name]
    if (value !== undefined && typeof value !== 'function') described[name] = plain(value)
  }
  if (error.cause !== undefined && depth < DEEPEST) described['cause'] = describe(error.cause, depth + 1)
  return described
}

function plain(value: unknown): unknown {
  return value instanceof Error ? describe(value) : JSON.parse(JSON.stringify(value) ?? 'null')
}
