import { type Diff, type FileDiff, type Hunk, parseDiff, utf8Length } from '../../shared/unified-diff'
import { quietKindOf } from './quiet-files'

/** A diff that fits, and what became of it; both sizes are bytes of UTF-8. */
export interface Shrunk {
  readonly text: string
  readonly cut: { readonly originalBytes: number; readonly cutBytes: number } | null
}

/** A part of the text, measured once. */
interface Part {
  readonly text: string
  readonly bytes: number
}

const NOTHING: Part = { text: '', bytes: 0 }

/**
 * Keeps what tells most of a diff, in at most `maxBytes`.
 *
 * A diff that fits stays as it is. Else lock files, what is generated, vendored or minified, and binary files go down to a
 * line each; then the longest files are cut behind a hunk until all have room, each saying how much is missing; last, files
 * that have no line of their own any more are counted. Lines are whole, always.
 */
export function shrink(diff: string | Diff, maxBytes: number): Shrunk {
  const parsed = typeof diff === 'string' ? parseDiff(diff) : diff
  const originalBytes = parsed.bytes
  if (originalBytes <= maxBytes && parsed.files.every((file) => file.whole)) {
    return { text: wholeOf(parsed), cut: null }
  }
  const text = fitted(parsed, maxBytes)
  return { text, cut: { originalBytes, cutBytes: utf8Length(text) } }
}

/** All that was kept of it. */
export function wholeOf({ preamble, files }: Diff): string {
  return preamble + files.map((file) => file.header + file.hunks.map((hunk) => hunk.text).join('')).join('')
}

function fitted({ files, bytes }: Diff, maxBytes: number): string {
  const note = part(`# Too long to be shown whole: this is part of a diff of ${bytes} bytes.\n`)
  const room = maxBytes - note.bytes
  if (room < 0) return ''
  const shown = files.map((file) => new Shown(file))
  const whole = (limit: number) => shown.reduce((sum, file) => sum + file.within(limit).bytes, 0)
  // What every file may have at most: the longest pay for all.
  const limit = largest(Math.max(room, 0), (candidate) => whole(candidate) <= room)
  if (limit !== null) return note.text + shown.map((file) => file.within(limit).text).join('')
  return note.text + listed(shown, room)
}

/** More files than there is room for lines of them: as many as fit, and what the others are together. */
function listed(shown: readonly Shown[], room: number): string {
  const rest = (from: number) => {
    const others = shown.slice(from).map(({ file }) => file)
    if (others.length === 0) return NOTHING
    return part(
      `# … and ${counted(others.length, 'more file')}: ${changed(sumOf(others, 'added'), sumOf(others, 'deleted'))}\n`
    )
  }
  const upTo = (count: number) => shown.slice(0, count).map((file) => file.line)
  const bytesOf = (parts: readonly Part[]) => parts.reduce((sum, { bytes }) => sum + bytes, 0)
  const count = largest(shown.length, (candidate) => bytesOf([...upTo(candidate), rest(candidate)]) <= room)
  return count === null ? '' : [...upTo(count), rest(count)].map(({ text }) => text).join('')
}

/** A file as it is shown with more room or less. */
class Shown {
  readonly file: FileDiff
  /** The least of it. */
  readonly line: Part
  readonly #quiet: boolean
  readonly #header: Part
  readonly #hunks: readonly (Part & { readonly whole: boolean })[]
  readonly #bytes: number
  readonly #lines: number

  constructor(file: FileDiff) {
    this.file = file
    const kind = quietKindOf(file)
    this.#quiet = kind !== null
    const what = [file.status === 'modified' ? null : file.status, kind].filter((word) => word !== null).join(', ')
    this.line = part(`# ${inLine(file.path)}${what && ` (${what})`}: ${changed(file.added, file.deleted)}, not shown\n`)
    this.#header = part(file.header)
    this.#hunks = file.hunks.map((hunk) => ({ ...part(hunk.text), whole: isWhole(hunk) }))
    this.#lines = file.hunks.reduce((sum, { lines }) => sum + lines, 0)
    this.#bytes = this.#header.bytes + this.#hunks.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** At most so many bytes, or its line. */
  within(limit: number): Part {
    const { whole } = this.file
    if (whole && this.#bytes <= this.line.bytes) return this.#all()
    if (this.#quiet || this.#header.bytes > limit) return this.line
    if (whole && this.#bytes <= limit) return this.#all()
    return this.#cut(limit) ?? this.line
  }

  #all(): Part {
    return { text: this.#header.text + this.#hunks.map(({ text }) => text).join(''), bytes: this.#bytes }
  }

  #cut(limit: number): Part | null {
    let text = this.#header.text
    let bytes = this.#header.bytes
    let [lines, added, deleted] = [0, 0, 0]
    const missing = () => {
      const more = changed(this.file.added - added, this.file.deleted - deleted)
      return part(`# … ${counted(this.#lines - lines, 'more line')}: ${more}\n`)
    }
    for (const [i, hunk] of this.file.hunks.entries()) {
      const all = this.#hunks[i] as Part & { readonly whole: boolean }
      const [shown, fits] =
        all.whole && bytes + all.bytes + missing().bytes <= limit
          ? [all, true]
          : // Of a file that is one hunk, as each new one is, the beginning says more than nothing.
            [i === 0 ? beginningOf(all.text, limit - bytes - missing().bytes) : NOTHING, false]
      text += shown.text
      bytes += shown.bytes
      const counts = fits ? hunk : countsOf(shown.text)
      lines += counts.lines
      added += counts.added
      deleted += counts.deleted
      if (!fits) break
    }
    if (lines === 0) return null
    const note = missing()
    return bytes + note.bytes <= limit ? { text: text + note.text, bytes: bytes + note.bytes } : null
  }
}

/** Of its hunk's lines some may not have been kept. */
function isWhole({ text, lines }: Hunk): boolean {
  return countsOf(text).lines === lines
}

function beginningOf(text: string, room: number): Part {
  let [end, bytes] = [0, 0]
  for (let next = text.indexOf('\n') + 1; next > 0; next = text.indexOf('\n', end) + 1) {
    const more = utf8Length(text.slice(end, next))
    if (bytes + more > room) break
    bytes += more
    end = next
  }
  return { text: text.slice(0, end), bytes }
}

/** Of whole lines of one hunk that is no merge's; of a merge's nearly. */
function countsOf(text: string): { lines: number; added: number; deleted: number } {
  const all = text.split('\n')
  if (all.at(-1) === '') all.pop()
  const of = (sign: string) => all.filter((line, i) => i > 0 && line.startsWith(sign)).length
  return { lines: all.length, added: of('+'), deleted: of('-') }
}

/** The largest whole number from 0 to `most` that fits, where each smaller one than one that fits does too; null if none. */
function largest(most: number, fits: (candidate: number) => boolean): number | null {
  if (!fits(0)) return null
  let [low, high] = [0, most]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(middle)) low = middle
    else high = middle - 1
  }
  return low
}

function part(text: string): Part {
  return { text, bytes: utf8Length(text) }
}

function sumOf(files: readonly FileDiff[], of: 'added' | 'deleted'): number {
  return files.reduce((sum, file) => sum + file[of], 0)
}

function changed(added: number, deleted: number): string {
  return `+${added} -${deleted}`
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

/** A name may have any character but NUL. */
function inLine(path: string): string {
  return path.replace(/\p{Cc}/gu, '?')
}
