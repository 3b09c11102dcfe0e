/** What one client is to do once. `fetch` is the page's `longwire.fetch` itself, or the browser's own. */
export interface Task {
  readonly fetch: typeof fetch
  /** Where the service is, without a slash at the end. */
  readonly base: string
  /** A key that opens nothing by itself. */
  readonly key: string
  /** Ends what the client has under way, by the means that it has for that. */
  readonly signal: AbortSignal
  /** How often the client may send a request again that broke before there was a response. */
  readonly retries: number
  /** Tell what the client gave out of a stream, as soon as it did. */
  show(text: string): void
}

/** What a client can do; what it gives is compared, so it is everything a user would look at, as plain data. */
export interface Client {
  whole?(task: Task): Promise<unknown>
  stream?(task: Task): Promise<unknown>
}

/** Hop-by-hop fields are the business of a connection, of which Longwire has another than the browser. */
const OF_THE_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding'])

/** Response header fields as a client gives them, in one order. */
export function fields(headers: Iterable<[string, unknown]>): Record<string, unknown> {
  const kept = [...headers].filter(([name]) => !OF_THE_CONNECTION.has(name.toLowerCase()))
  return Object.fromEntries(kept.sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** Show a body of text as it comes. */
export async function showText(body: ReadableStream<Uint8Array>, task: Task): Promise<string> {
  let text = ''
  // `pipeThrough` wants a stream of BufferSource, which this is.
  for await (const part of body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)) {
    text += part
    task.show(part)
  }
  return text
}
