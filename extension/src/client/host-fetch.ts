import { StreamError } from './errors'
import type { Fetch } from './types'

/** `longwire.fetch`, for what no other fetch can do. Rejects with HOST_UNAVAILABLE where the page has none. */
export async function hostFetch(input: string, init?: RequestInit): Promise<Response> {
  const { longwire } = globalThis as { longwire?: { fetch: Fetch } }
  if (longwire !== undefined) return longwire.fetch(input, init)
  const text = 'This page has no Longwire: install the extension and its host, and have the policy name this page'
  throw new StreamError('HOST_UNAVAILABLE', text)
}
