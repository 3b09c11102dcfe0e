/** The value of a `Last-Event-ID` header. Header values are bytes to fetch: an id goes out as it came in, in UTF-8. */
export function lastEventIdHeader(id: string): string {
  return Array.from(new TextEncoder().encode(id), (byte) => String.fromCharCode(byte)).join('')
}
