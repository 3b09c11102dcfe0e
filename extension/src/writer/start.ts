import type { WriterHost } from './host'

/**
 * What the writer does on its page, with what it has of the host.
 *
 * @returns what takes all of it out of the page again: another version of this script is about to take its place
 */
export function start(_host: WriterHost): () => void {
  return () => undefined
}
