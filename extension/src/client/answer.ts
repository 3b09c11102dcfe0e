import { StreamError } from './errors'
import { saysFinal } from './reported'
import { retryAfter } from './retry'
import { within } from './waiting'
import { wordsOf } from './words'

/** How much of an error's body is kept, and how long it is waited for. */
const EXCERPT_CHARACTERS = 16 * 1024
const EXCERPT_MS = 2000

/** Statuses that time may mend. */
const TRANSIENT: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529])

/** @throws {StreamError} HTTP_STATUS: the response is no success; its category is AUTH, RATE_LIMITED, TIMEOUT or SERVER */
export async function checkStatus(response: Response, signal: AbortSignal): Promise<void> {
  if (response.ok) return
  const { status, statusText, headers } = response
  const body = await excerpt(response, signal)
  const reason = statusText === '' ? '' : ` ${statusText}`
  const words = wordsOf(body)
  const said = words === '' ? '' : `: ${words}`
  throw new StreamError('HTTP_STATUS', `The server answered ${status}${reason}${said}`, {
    category: categoryOf(status),
    retryable: TRANSIENT.has(status) && !saysFinal(body),
    status,
    retryAfter: retryAfter(headers),
    body
  })
}

/** Nobody waits for this answer any more: should it come, its body does not stay open. */
export function letGo(answer: Promise<Response> | undefined): void {
  answer?.then((response) => response.body?.cancel()).catch(() => undefined)
}

function categoryOf(status: number) {
  if (status === 401 || status === 403 || status === 407) return 'AUTH'
  if (status === 429) return 'RATE_LIMITED'
  return status === 408 || status === 504 ? 'TIMEOUT' : 'SERVER'
}

/** The beginning of a body, as far as it comes in time: what a person needs to see why. */
async function excerpt(response: Response, signal: AbortSignal): Promise<string> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  const decoder = new TextDecoder()
  const deadline = performance.now() + EXCERPT_MS
  let text = ''
  try {
    while (text.length < EXCERPT_CHARACTERS) {
      const { done, value } = await within(reader.read(), signal, deadline - performance.now())
      text += decoder.decode(value, { stream: !done })
      if (done) break
    }
  } catch {
    // A body that breaks or does not come leaves the status, which says enough.
  }
  reader.cancel().catch(() => undefined)
  return text.slice(0, EXCERPT_CHARACTERS)
}
