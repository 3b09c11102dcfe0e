import type { CloseReason } from './platform'

/** What a browser's text for a closed port means; undefined for one that nobody knows, and for none. */
export function reasonOf(
  texts: Readonly<Record<CloseReason, string>>,
  text: string | undefined
): CloseReason | undefined {
  return (Object.keys(texts) as CloseReason[]).find((reason) => texts[reason] === text)
}
