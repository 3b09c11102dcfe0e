// Two APIs give a change as a list of files. As a diff it reads as git would have written it.

import type { DiffSource } from '../model'

/** What both say of a file. */
interface ListedFile {
  readonly path: string
  readonly oldPath: string
  readonly isNew: boolean
  readonly isDeleted: boolean
  /** Its hunks; null where the site leaves them out. */
  readonly patch: string | null
  /** Why there are none. */
  readonly leftOut: string
}

/**
 * @param body what came, parsed
 * @returns null for what is no such list
 */
export function asUnified(form: DiffSource['form'], body: unknown): string | null {
  // GitLab's comparison has its list among other things.
  const list = isRecord(body) && Array.isArray(body['diffs']) ? (body['diffs'] as unknown[]) : body
  if (!Array.isArray(list)) return null
  const read = form === 'github-files' ? ofGitHub : ofGitLab
  const files = list.map((entry) => (isRecord(entry) ? read(entry) : null))
  return files.some((file) => file === null) ? null : files.map((file) => written(file as ListedFile)).join('')
}

/** https://docs.github.com/en/rest/pulls/pulls: `patch` is missing of binary files and of large ones. */
function ofGitHub(entry: Record<string, unknown>): ListedFile | null {
  const { filename, previous_filename: before, status, patch, additions, deletions } = entry
  if (typeof filename !== 'string') return null
  return {
    path: filename,
    oldPath: typeof before === 'string' ? before : filename,
    isNew: status === 'added',
    isDeleted: status === 'removed',
    patch: typeof patch === 'string' ? patch : null,
    leftOut: `GitHub shows no lines of this file: +${Number(additions) || 0} -${Number(deletions) || 0}`
  }
}

/** https://docs.gitlab.com/api/merge_requests/: `collapsed` and `too_large` files come without lines. */
function ofGitLab(entry: Record<string, unknown>): ListedFile | null {
  const { new_path: path, old_path: before, diff, collapsed, too_large: tooLarge } = entry
  if (typeof path !== 'string' || typeof before !== 'string' || typeof diff !== 'string') return null
  const why = tooLarge === true ? 'too large' : 'collapsed'
  return {
    path,
    oldPath: before,
    isNew: entry['new_file'] === true,
    isDeleted: entry['deleted_file'] === true,
    patch: diff === '' && (collapsed === true || tooLarge === true) ? null : diff,
    leftOut: `GitLab shows no lines of this file: it is ${why}`
  }
}

function written({ path, oldPath, isNew, isDeleted, patch, leftOut }: ListedFile): string {
  const [before, after] = [quoted(`a/${oldPath}`), quoted(`b/${path}`)]
  const lines = [`diff --git ${before} ${after}`]
  if (isNew) lines.push('new file mode 100644')
  if (isDeleted) lines.push('deleted file mode 100644')
  if (!isNew && !isDeleted && oldPath !== path)
    lines.push(`rename from ${quoted(oldPath)}`, `rename to ${quoted(path)}`)
  if (patch === null) lines.push(leftOut)
  // With `unidiff` GitLab writes the names itself; of a binary file it writes that they differ.
  else if (/^@@/m.test(patch) && !patch.startsWith('--- ')) {
    lines.push(`--- ${isNew ? '/dev/null' : before}`, `+++ ${isDeleted ? '/dev/null' : after}`)
  }
  const text = patch === null || patch === '' || patch.endsWith('\n') ? (patch ?? '') : `${patch}\n`
  return `${lines.join('\n')}\n${text}`
}

/** As git quotes a name with a control, a quote or a backslash in it. */
function quoted(name: string): string {
  if (!/[[\p{Cc}&&\p{ASCII}]"\\]/v.test(name)) return name
  const octal = (character: string) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`
  return `"${name.replace(/["\\]/g, '\\$&').replace(/[\p{Cc}&&\p{ASCII}]/gv, octal)}"`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
