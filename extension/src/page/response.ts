import type { StreamHeaders } from '../protocol/bridge'
import type { Body } from './body'
import {
  bare,
  create,
  defineProperty,
  hasOwn,
  NativeResponse,
  responseBodyUsed,
  responseClone,
  responseReaders
} from './builtins'

/** Statuses whose response has no body (Fetch standard, "null body status"); 101 and 103 never get here. */
export function hasNullBody(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 205 || status === 304
}

/**
 * A genuine Response with what its constructor cannot set.
 *
 * @throws {TypeError} the host's status text or a header is not one that HTTP can carry
 */
export function buildResponse(head: StreamHeaders, body: Body | null): Response {
  // The constructor reads a record by its own properties; an array it would iterate by whatever protocol the page left.
  const headers: Record<string, string> = create(null)
  for (let i = 0; i < head.headers.length; i++) {
    const { 0: name, 1: value } = head.headers[i] as [string, string]
    headers[name] = hasOwn(headers, name) ? `${headers[name]}, ${value}` : value
  }
  const init = bare({ status: head.status, statusText: head.reason, headers })
  return complete(new NativeResponse(body === null ? null : body.open(), init), head, body)
}

/** Give a constructed Response, and every clone of it, the URL that it came from and the errors of its body. */
function complete(response: Response, head: StreamHeaders, body: Body | null): Response {
  define(response, 'url', head.url)
  define(response, 'redirected', head.redirected)
  define(response, 'clone', { clone: () => complete(responseClone(response), head, body) }.clone)
  if (body !== null) {
    for (const name in responseReaders) {
      const reader = responseReaders[name as keyof typeof responseReaders]
      define(response, name, { [name]: () => readWith(reader, response, body) }[name])
    }
  }
  return response
}

/** Chromium reads a body to its end without keeping the error that it ended with: "Failed to fetch" is all it says. */
async function readWith<T>(reader: (response: Response) => Promise<T>, response: Response, body: Body): Promise<T> {
  const usedBefore = responseBodyUsed(response)
  try {
    return await reader(response)
  } catch (error) {
    throw usedBefore || body.failure === null ? error : body.failure.error
  }
}

function define(response: Response, name: string, value: unknown): void {
  defineProperty(response, name, bare({ value, configurable: true, writable: true }))
}

/**
 * Resolve a promise with an object that is not thenable, even where `Object.prototype.then` says that everything is: the
 * browser looks `then` up while it resolves, and finds an own one.
 */
export function resolveWith<T extends object>(resolve: (value: T) => void, value: T): void {
  const polluted = 'then' in value
  if (polluted) defineProperty(value, 'then', bare({ value: undefined, configurable: true }))
  resolve(value)
  if (polluted) delete (value as { then?: unknown }).then
}
