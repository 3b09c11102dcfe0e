import { checkStatus, letGo } from './answer'
import { StreamError } from './errors'
import { asStreamError } from './failure'
import type { Fetch } from './types'
import { usualFetch } from './usual-fetch'
import { within } from './waiting'

/** What a test of a connection found. */
export interface ConnectionReport {
  readonly ok: boolean
  /** Milliseconds until the headers, or until it failed. */
  readonly elapsed: number
  readonly status: number | undefined
  readonly error: StreamError | undefined
}

/**
 * Ask a health URL, once. Never rejects.
 *
 * @param timeout milliseconds, 5,000 by default
 */
export async function checkConnection(
  url: string | URL,
  { fetch = usualFetch, timeout = 5000, ...init }: RequestInit & { fetch?: Fetch; timeout?: number } = {}
): Promise<ConnectionReport> {
  const started = performance.now()
  const aborter = new AbortController()
  const follow = () => aborter.abort(init.signal?.reason)
  if (init.signal?.aborted) follow()
  init.signal?.addEventListener('abort', follow)
  const late = () => new StreamError('HEADERS_TIMEOUT', `The server did not begin to answer within ${timeout} ms`)
  let status: number | undefined
  let error: StreamError | undefined
  let elapsed: number | undefined
  let answer: Promise<Response> | undefined
  try {
    answer = Promise.resolve(fetch(String(url), { ...init, signal: aborter.signal }))
    const response = await within(answer, aborter.signal, timeout, late)
    elapsed = performance.now() - started
    status = response.status
    await checkStatus(response, aborter.signal)
  } catch (failure) {
    error = asStreamError(failure, 'fetch')
  } finally {
    init.signal?.removeEventListener('abort', follow)
    aborter.abort()
    letGo(answer)
  }
  return { ok: error === undefined, elapsed: elapsed ?? performance.now() - started, status, error }
}
