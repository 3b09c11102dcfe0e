/** Any fetch: the browser's, `longwire.fetch`, or one's own around either. */
export type Fetch = (input: string, init?: RequestInit) => Promise<Response>

/** Characters of one event, unless the caller says otherwise. */
export const MAX_EVENT_LENGTH = 8 * 1024 * 1024

/** How a body is cut into messages. `json` is one document, delivered when it is complete. */
export type Format = 'sse' | 'ndjson' | 'json' | 'text'
