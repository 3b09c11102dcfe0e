import { type Diff, parseDiff } from './unified-diff'

/** What changed, counted. Pure, and of the diff alone. */
export interface DiffStats {
  readonly files: number
  readonly added: number
  readonly deleted: number
  /** Bytes of UTF-8 of the diff. */
  readonly bytes: number
}

/** What changed, counted as `git diff --numstat` counts; of a merge's combined diff, lines that are new or gone in any column. */
export function diffStats(diff: string | Diff): DiffStats {
  const { files, bytes } = typeof diff === 'string' ? parseDiff(diff) : diff
  let added = 0
  let deleted = 0
  for (const file of files) {
    added += file.added
    deleted += file.deleted
  }
  // A file that becomes a link, or that several commits change, stands there more than once.
  return { files: new Set(files.map((file) => file.path)).size, added, deleted, bytes }
}
