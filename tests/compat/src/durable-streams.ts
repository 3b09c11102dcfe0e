// Reads a durable request by the client of the Durable Streams protocol, as npm has it, over `longwire.durable.fetch`.

import { DurableStream, stream } from '@durable-streams/client'

interface Longwire {
  readonly durable: { readonly fetch: typeof fetch }
}
declare const longwire: Longwire

/** What the client gave so far. */
interface Seen {
  text: string
  offset: string
  closed: boolean
  error: string | null
}

/** What there is from an offset on, in one go. */
async function catchUp(url: string, offset?: string) {
  const given = await stream({ url, fetch: longwire.durable.fetch, live: false, ...(offset && { offset }) })
  const text = await given.text()
  return { text, offset: given.offset, upToDate: given.upToDate, closed: given.streamClosed }
}

/** The same, and what comes, until its end; `seen` tells how far it is. */
async function tail(url: string, live: 'sse' | 'long-poll', offset: string): Promise<void> {
  const seen: Seen = { text: '', offset, closed: false, error: null }
  Object.assign(globalThis, { seen })
  const given = await stream({ url, fetch: longwire.durable.fetch, live, offset })
  given.subscribeText((chunk) => {
    seen.text += chunk.text
    seen.offset = chunk.offset
  })
  given.closed.then(
    () => {
      seen.closed = given.streamClosed
    },
    (error) => {
      seen.error = String(error)
    }
  )
}

async function head(url: string) {
  const given = await DurableStream.head({ url, fetch: longwire.durable.fetch })
  return given.exists && { type: given.contentType, offset: given.offset, closed: given.streamClosed }
}

Object.assign(globalThis, { catchUp, tail, head })
