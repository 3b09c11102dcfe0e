/** One value of a list; commas inside quotes do not part it. */
const VALUES = /(?:"(?:\\.|[^"\\])*"?|[^",])+/gs
const ESSENCE = /^[\t\n\r ]*([-!#$%&'*+.^`|~\w]+\/[-!#$%&'*+.^`|~\w]+)[\t\n\r ]*(?:;|$)/

/**
 * What a body is, without parameters and in lower case: "extract a MIME type" of the Fetch standard. Of several types, sent
 * in one field or in more, the last that is one counts. Empty if none is.
 */
export function mimeType(headers: Headers): string {
  let type = ''
  for (const value of headers.get('content-type')?.match(VALUES) ?? []) {
    const essence = ESSENCE.exec(value)?.[1]
    if (essence !== undefined && essence !== '*/*') type = essence.toLowerCase()
  }
  return type
}
