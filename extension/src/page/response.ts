import type { StreamHeadersFields } from '../protocol/bridge'
import type { Body } from './body'
import {
  bare,
  defineProperty,
  headersAppend,
  NativeResponse,
  NativeTypeError,
  responseBodyUsed,
  responseClone,
  responseError,
  responseHeaders,
  responseReaders
} from './builtins'
import { checkIntegrity, type Integrity } from './integrity'

/** What the constructor of Response cannot set. */
interface Described {
  readonly url: string
  readonly redirected: boolean
  readonly type: ResponseType
}

/** Statuses whose response has no body (Fetch standard, "null body status"); 101 and 103 never get here. */
export function hasNullBody(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 205 || status === 304
}

/** Fetch standard, "redirect status". */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308
}

/**
 * A genuine Response with what its constructor cannot set.
 *
 * @throws {TypeError} the host's status text or a header is not one that HTTP can carry
 */
export function buildResponse(head: StreamHeadersFields, body: Body | null): Response {
  return complete(construct(head, body === null ? null : body.open()), { ...describe(head), type: 'basic' }, body)
}

/** What mode `manual` gives for a redirect: that there was one (Fetch standard, "opaque-redirect filtered response"). */
export function buildOpaqueRedirect(head: StreamHeadersFields): Response {
  return complete(responseError(), { ...describe(head), type: 'opaqueredirect' }, null)
}

/**
 * The response once its body is known to be the right one, which is then in memory.
 *
 * @throws {TypeError} it is another one
 * @throws what the body fails with
 */
export async function verifyResponse(
  head: StreamHeadersFields,
  response: Response,
  asked: Integrity
): Promise<Response> {
  const bytes = await response.arrayBuffer()
  const empty = response.body === null
  await checkIntegrity(bytes, asked)
  return complete(construct(head, empty ? null : bytes), { ...describe(head), type: 'basic' }, null)
}

function describe({ url, redirected }: StreamHeadersFields): { url: string; redirected: boolean } {
  return { url, redirected }
}

function construct(
  head: StreamHeadersFields,
  body: ReadableStream<Uint8Array<ArrayBuffer>> | ArrayBuffer | null
): Response {
  const response = new NativeResponse(body, bare({ status: head.status, statusText: head.reason }))
  const headers = responseHeaders(response)
  for (let i = 0; i < head.headers.length; i++) {
    const { 0: name, 1: value } = head.headers[i] as [string, string]
    headersAppend(headers, name, value)
  }
  return response
}

/** Give a Response, and every clone of it, what describes it and the errors of its body. */
function complete(response: Response, described: Described, body: Body | null): Response {
  for (const name in described) define(response, name, described[name as keyof Described], false)
  define(response, 'clone', { clone: () => complete(responseClone(response), described, body) }.clone)
  seal(responseHeaders(response))
  if (body !== null) {
    for (const name in responseReaders) {
      const reader = responseReaders[name as keyof typeof responseReaders]
      define(response, name, { [name]: () => readWith(reader, response, body) }[name])
    }
  }
  return response
}

/** A fetched response's headers are immutable, a constructed one's are not. */
function seal(headers: Headers): void {
  for (const name in MUTATORS) define(headers, name, MUTATORS[name as keyof typeof MUTATORS])
}

const immutable = (): never => {
  throw new NativeTypeError('Headers are immutable')
}
const MUTATORS = bare({ append: () => immutable(), delete: () => immutable(), set: () => immutable() })

/** Chromium reads a body to its end without keeping the error that it ended with: "Failed to fetch" is all it says. */
async function readWith<T>(reader: (response: Response) => Promise<T>, response: Response, body: Body): Promise<T> {
  const usedBefore = responseBodyUsed(response)
  try {
    return await reader(response)
  } catch (error) {
    throw usedBefore || body.failure === null ? error : body.failure.error
  }
}

function define(target: Response | Headers, name: string, value: unknown, writable = true): void {
  defineProperty(target, name, bare({ value, configurable: true, writable }))
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
