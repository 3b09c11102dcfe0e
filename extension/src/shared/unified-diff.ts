// Reads diffs as git writes them (git-diff(1), "Generating patch text with -p"), combined ones of merges too, line by line and
// in bounded memory: what is counted is exact, what is kept has a limit.

/** A stretch of one file's change. */
export interface Hunk {
  /** As it stands in the diff, its `@@` line first. */
  text: string
  readonly added: number
  readonly deleted: number
  /** Lines of `text`, and those that were not kept. */
  readonly lines: number
}

/** What a diff says of one file. */
export interface FileDiff {
  /** As it is called afterwards; if it is deleted, before. */
  readonly path: string
  readonly oldPath: string
  readonly status: 'added' | 'deleted' | 'modified' | 'renamed' | 'copied'
  readonly binary: boolean
  readonly added: number
  readonly deleted: number
  /** Bytes of UTF-8 of all that the diff says of it, kept or not. */
  readonly bytes: number
  /** From `diff --git` to the first hunk. */
  readonly header: string
  readonly hunks: readonly Hunk[]
  /** Whether header and hunks are all that the diff says of it. */
  readonly whole: boolean
}

/** A diff. */
export interface Diff {
  readonly files: readonly FileDiff[]
  /** What stands before the first file: a commit's message. */
  readonly preamble: string
  readonly bytes: number
}

/** UTF-16 units that are kept of a file and of all files together; more is counted only. */
export interface KeptLimits {
  readonly file: number
  readonly all: number
}

const EVERYTHING: KeptLimits = { file: Number.POSITIVE_INFINITY, all: Number.POSITIVE_INFINITY }

/** A whole diff at once. */
export function parseDiff(text: string): Diff {
  const reader = new DiffReader()
  reader.push(text)
  return reader.end()
}

/** Text in, in pieces cut anywhere; a diff out. */
export class DiffReader {
  readonly #limits: KeptLimits
  readonly #files: FileDraft[] = []
  /** Of the line that has not ended; it may be as long as the diff. */
  readonly #rest: string[] = []
  #preamble = ''
  #kept = 0
  #bytes = 0

  constructor(limits: KeptLimits = EVERYTHING) {
    this.#limits = limits
  }

  /** How many files have begun. */
  get files(): number {
    return this.#files.length
  }

  push(piece: string): void {
    let start = 0
    for (let end = piece.indexOf('\n'); end !== -1; end = piece.indexOf('\n', start)) {
      const line = piece.slice(start, end + 1)
      this.#line(this.#rest.length === 0 ? line : this.#rest.splice(0).join('') + line)
      start = end + 1
    }
    if (start < piece.length) this.#rest.push(piece.slice(start))
  }

  /** There is no more of it. */
  end(): Diff {
    if (this.#rest.length > 0) this.#line(this.#rest.splice(0).join(''))
    return { files: this.#files.map((file) => file.finished()), preamble: this.#preamble, bytes: this.#bytes }
  }

  #line(line: string): void {
    const bytes = utf8Length(line)
    this.#bytes += bytes
    const file = this.#fileOf(line)
    const has = file === undefined ? this.#preamble.length : file.kept
    // What is kept of a file is its beginning.
    const room = has + line.length <= this.#limits.file && this.#kept + line.length <= this.#limits.all
    const keep = room && (file?.whole ?? true)
    if (keep) this.#kept += line.length
    if (file !== undefined) file.take(line, bytes, keep)
    else if (keep) this.#preamble += line
  }

  /** Whose line it is: a header begins a file, except where hunks have announced a line that looks like one. */
  #fileOf(line: string): FileDraft | undefined {
    const last = this.#files.at(-1)
    // A diff that somebody cut may end a hunk early.
    if (last?.insideHunk && /^[ +\-\\\r\n]/.test(line)) return last
    const begins = /^diff --(?:git|cc|combined) /.test(line) || (line.startsWith('--- ') && !last?.awaitsNames)
    if (!begins) return last
    const file = new FileDraft()
    this.#files.push(file)
    return file
  }
}

const HUNK = /^(@@+) ((?:-\d+(?:,\d+)? )+)\+\d+(?:,(\d+))? @@+/

/** A file while it is read. */
class FileDraft {
  kept = 0
  whole = true
  #header = ''
  #bytes = 0
  #binary = false
  /** The line `diff --git`, without its beginning. */
  #both = ''
  #before: string | null = null
  #after: string | null = null
  #renamedFrom: string | null = null
  #renamedTo: string | null = null
  #status: FileDiff['status'] = 'modified'
  readonly #hunks: { text: string; added: number; deleted: number; lines: number }[] = []
  /** Lines that the hunk has yet to bring: of each file before, and of the one after. */
  #old: number[] = []
  #new = 0

  get insideHunk(): boolean {
    return this.#new > 0 || this.#old.some((count) => count > 0)
  }

  /** `---` would be its own and not the next one's. */
  get awaitsNames(): boolean {
    return this.#before === null && this.#hunks.length === 0
  }

  take(line: string, bytes: number, keep: boolean): void {
    this.#bytes += bytes
    if (keep) this.kept += line.length
    else this.whole = false
    const inside = this.insideHunk && /^[ +\-\\\r\n]/.test(line)
    const begins = inside ? null : HUNK.exec(line)
    if (begins !== null) this.#begin(begins)
    const hunk = this.#hunks.at(-1)
    if (hunk === undefined) {
      if (keep) this.#header += line
      this.#readHeader(line.replace(/\r?\n$/, ''))
      return
    }
    if (keep) hunk.text += line
    hunk.lines += 1
    if (inside) this.#count(line, hunk)
  }

  finished(): FileDiff {
    const { before, after } = this.#names()
    const sum = (of: 'added' | 'deleted') => this.#hunks.reduce((total, hunk) => total + hunk[of], 0)
    return {
      path: after ?? before ?? '',
      oldPath: before ?? after ?? '',
      status: this.#status,
      binary: this.#binary,
      added: sum('added'),
      deleted: sum('deleted'),
      bytes: this.#bytes,
      header: this.#header,
      hunks: this.#hunks,
      whole: this.whole
    }
  }

  #begin([, marks = '@@', ranges = '', after = '1']: RegExpExecArray): void {
    this.#old = ranges
      .trim()
      .split(' ')
      .map((range) => Number(range.split(',')[1] ?? '1'))
    // `@@@` has two files before, and a column for each.
    this.#old.length = Math.min(this.#old.length, marks.length - 1)
    this.#new = Number(after)
    this.#hunks.push({ text: '', added: 0, deleted: 0, lines: 0 })
  }

  #count(line: string, hunk: { added: number; deleted: number }): void {
    // "\ No newline at end of file" is no line of either.
    if (line.startsWith('\\')) return
    const columns = line.slice(0, this.#old.length)
    const gone = columns.includes('-')
    if (gone) hunk.deleted += 1
    else if (columns.includes('+')) hunk.added += 1
    if (!gone) this.#new -= 1
    for (let i = 0; i < this.#old.length; i++) {
      // Some programs cut blanks at the end of lines, and with them the column of an empty line.
      const had = gone ? columns[i] === '-' : columns[i] !== '+'
      if (had) this.#old[i] = (this.#old[i] as number) - 1
    }
  }

  #readHeader(line: string): void {
    const of = (beginning: string) => (line.startsWith(beginning) ? line.slice(beginning.length) : null)
    this.#both = of('diff --git ') ?? this.#both
    const combined = of('diff --cc ') ?? of('diff --combined ')
    if (combined !== null) this.#renamedTo = unquoted(combined)
    const before = of('--- ')
    if (before !== null) this.#before = before
    const after = of('+++ ')
    if (after !== null) this.#after = after
    for (const [status, from, to] of [
      ['renamed', 'rename from ', 'rename to '],
      ['copied', 'copy from ', 'copy to ']
    ] as const) {
      const [source, target] = [of(from), of(to)]
      if (source !== null) this.#renamedFrom = unquoted(source)
      if (target !== null) this.#renamedTo = unquoted(target)
      if (source !== null) this.#status = status
    }
    if (line.startsWith('new file mode ')) this.#status = 'added'
    if (line.startsWith('deleted file mode ')) this.#status = 'deleted'
    if (/^(?:Binary files .* differ$|GIT binary patch$)/.test(line)) this.#binary = true
  }

  #names(): { before: string | null; after: string | null } {
    if (this.#renamedTo !== null) return { before: this.#renamedFrom, after: this.#renamedTo }
    const [first, second] = halves(this.#both)
    // With `diff.noprefix` both are the same, and a folder `a` is a folder.
    const prefixed = first === null || first !== second
    const named = (text: string | null) => (text === null ? null : nameOf(text, prefixed))
    const before = named(this.#before) ?? (this.#before === null ? named(first) : null)
    const after = named(this.#after) ?? (this.#after === null ? named(second) : null)
    if (this.#status === 'modified' && this.#before === '/dev/null') this.#status = 'added'
    if (this.#status === 'modified' && this.#after === '/dev/null') this.#status = 'deleted'
    return { before, after: this.#status === 'deleted' ? null : after }
  }
}

/** `a/x b/x` at its middle: both names are one unless it is a rename, which says its names itself. */
function halves(both: string): readonly [string | null, string | null] {
  const quoted =
    /^("(?:[^"\\]|\\.)*"|[^"]*?) ("(?:[^"\\]|\\.)*")$/.exec(both) ?? /^("(?:[^"\\]|\\.)*") (.*)$/.exec(both)
  if (quoted !== null) return [quoted[1] as string, quoted[2] as string]
  const middle = (both.length - 1) / 2
  return both[middle] === ' ' ? [both.slice(0, middle), both.slice(middle + 1)] : [null, null]
}

/** @returns null for `/dev/null` */
function nameOf(text: string, prefixed: boolean): string | null {
  // A name with a blank has a tab after it; so has what GNU diff writes, before its date.
  const name = unquoted(text.startsWith('"') ? text : (text.split('\t')[0] as string))
  if (name === '/dev/null') return null
  // The letters of `diff.mnemonicPrefix` too.
  return prefixed ? name.replace(/^[abciow12]\//, '') : name
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

/** As git quotes names (`core.quotePath`): bytes that are no ASCII as three octal digits each. */
function unquoted(text: string): string {
  const inside = /^"((?:[^"\\]|\\.)*)"/.exec(text)?.[1]
  if (inside === undefined) return text
  const bytes: number[] = []
  for (const [, octal, letter, plain] of inside.matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 0xff)
    else bytes.push(...new TextEncoder().encode(plain ?? ESCAPES[letter as string] ?? letter))
  }
  return new TextDecoder().decode(new Uint8Array(bytes))
}

/** Bytes of UTF-8, without writing them. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) bytes += 1
    else if (unit >= 0xd800 && unit < 0xdc00 && isLow(text.charCodeAt(i + 1))) {
      // A pair: four bytes for two units.
      bytes += 2
      i += 1
    } else bytes += 2
  }
  return bytes
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000
}
