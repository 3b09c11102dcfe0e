import { diffStats } from '../../shared/diff-stats'
import { type Diff, DiffReader, type KeptLimits, parseDiff } from '../../shared/unified-diff'
import type { DiffSource, PullRequest, Reference, Site } from '../model'
import { brokeOff, noDiff, notGranted, refusalOf, unreachable } from './answer'
import { DiffError } from './errors'
import { asUnified } from './file-lists'
import { shrink } from './shrink'

export { DiffError } from './errors'

/** Bytes of an answer; who changes more than that wants no description of it. */
export const MAX_READ_BYTES = 100_000_000
/** Bytes of one page of a list. */
export const MAX_LIST_BYTES = 20_000_000
/** Pages of 100 files: GitHub lists 3,000 files, GitLab fewer. */
export const MAX_PAGES = 30
/** What of a diff is kept in memory, UTF-16 units; models take less. */
const KEPT: KeptLimits = { file: 1_000_000, all: 8_000_000 }

export interface ReadOptions {
  /** By the writer's grants. */
  readonly hostFetch: typeof fetch
  /** As the page asks, with its cookies. */
  readonly pageFetch: typeof fetch
  readonly signal: AbortSignal
  /** Bytes of UTF-8 that the diff may have at the end. */
  readonly maxBytes: number
  /** Whether a grant of the writer's is known to have that URL; else the host is asked and may deny it. */
  readonly offered?: (url: URL) => boolean
}

export interface ReadResult {
  readonly pullRequest: PullRequest
  /** Where the diff did not fit; bytes. */
  readonly cut: { readonly originalBytes: number; readonly cutBytes: number } | null
}

/**
 * What the template is filled with: the details as the document shows them, the diff from the first source that gives it.
 *
 * @throws {DiffError} none does. Told is the last failure of the host, for a grant is how it is meant to be read, else the page's
 * @throws the signal's reason
 */
export async function readPullRequest(
  site: Site,
  reference: Reference,
  document: Document,
  options: ReadOptions
): Promise<ReadResult> {
  const details = site.details(document)
  const diff = await readDiff(site, site.diff(reference, document), document, options)
  const { text, cut } = shrink(diff, options.maxBytes)
  const { subject } = reference
  const [source, target] = subject.kind === 'new' ? [subject.head, subject.base] : ['', '']
  const pullRequest = {
    ...details,
    source: details.source || source,
    target: details.target || target,
    diff: text,
    stats: diffStats(diff)
  }
  return { pullRequest, cut }
}

async function readDiff(
  site: Site,
  sources: readonly DiffSource[],
  document: Document,
  options: ReadOptions
): Promise<Diff> {
  const failures: { host?: DiffError; page?: DiffError } = {}
  for (const source of sources) {
    options.signal.throwIfAborted()
    if (source.by === 'host' && options.offered?.(new URL(source.url)) === false) continue
    try {
      const diff = await new SourceReader(site, source, cacheOf(document), options).read()
      if (diff.bytes > 0) return diff
      // Whoever says so is sure of it: others would say the same.
      throw new DiffError('EMPTY', 'There is nothing to describe: the two branches do not differ')
    } catch (error) {
      options.signal.throwIfAborted()
      if (!(error instanceof DiffError) || error.code === 'EMPTY') throw error
      if (error.code !== 'POLICY_DENIED') failures[source.by] = error
    }
  }
  throw failures.host ?? failures.page ?? notGranted(site, sources)
}

/** What was read of an address, for as long as its document lives: the server says by its ETag whether it still holds. */
interface Cached {
  readonly etag: string
  readonly diff: Diff
  readonly next: string | null
}

/** Addresses of one document; the diff of a merge request in 30 pages is not kept. */
const MAX_CACHED = 4

const caches = new WeakMap<Document, Map<string, Cached>>()

function cacheOf(document: Document): Map<string, Cached> {
  const cache = caches.get(document) ?? new Map<string, Cached>()
  caches.set(document, cache)
  return cache
}

/** Reads one source to its end. */
class SourceReader {
  readonly #site: Site
  readonly #source: DiffSource
  readonly #cache: Map<string, Cached>
  readonly #options: ReadOptions

  constructor(site: Site, source: DiffSource, cache: Map<string, Cached>, options: ReadOptions) {
    this.#site = site
    this.#source = source
    this.#cache = cache
    this.#options = options
  }

  /** @throws {DiffError} */
  async read(): Promise<Diff> {
    const parts: Diff[] = []
    for (const url of [this.#source.url, ...(this.#source.further ?? [])]) {
      let next: string | null = url
      for (let page = 0; next !== null; page++) {
        if (page === MAX_PAGES) throw this.#tooLarge()
        const part: { diff: Diff; next: string | null } = await this.#readOne(next)
        parts.push(part.diff)
        next = part.next
      }
    }
    const [only] = parts
    return parts.length === 1 && only !== undefined ? only : joined(parts)
  }

  async #readOne(url: string): Promise<{ diff: Diff; next: string | null }> {
    const key = `${this.#source.by} ${this.#source.form} ${url}`
    const known = this.#cache.get(key)
    const response = await this.#ask(url, known)
    if (response.status === 304 && known !== undefined) {
      await response.body?.cancel()
      return known
    }
    if (!response.ok) {
      await response.body?.cancel()
      throw refusalOf(this.#site, this.#source, response)
    }
    const diff = await this.#translated(() => this.#readBody(response), brokeOff)
    const next = this.#source.form === 'unified' ? null : nextOf(response, url)
    const etag = response.headers.get('etag')
    this.#cache.delete(key)
    if (etag !== null) {
      this.#cache.set(key, { etag, diff, next })
      const [oldest] = this.#cache.keys()
      if (this.#cache.size > MAX_CACHED && oldest !== undefined) this.#cache.delete(oldest)
    }
    return { diff, next }
  }

  #ask(url: string, known: Cached | undefined): Promise<Response> {
    const { hostFetch, pageFetch, signal } = this.#options
    const headers = new Headers(this.#source.headers.map(([name, value]): [string, string] => [name, value]))
    if (known !== undefined) headers.set('If-None-Match', known.etag)
    // The browser would keep a copy on the disk.
    const ask = () =>
      this.#source.by === 'host'
        ? hostFetch(url, { headers, signal })
        : pageFetch(url, { headers, signal, cache: 'no-store' })
    return this.#translated(ask, unreachable)
  }

  async #readBody(response: Response): Promise<Diff> {
    const { form } = this.#source
    const isList = form !== 'unified'
    const kind = response.headers.get('content-type') ?? ''
    // A form to sign in is a page; where text was asked for, a list is no answer.
    if (/html/i.test(kind) || (!isList && /json/i.test(kind))) {
      await response.body?.cancel()
      throw noDiff(this.#site, this.#source)
    }
    if (!isList) {
      const reader = new DiffReader(KEPT)
      await this.#pieces(response, MAX_READ_BYTES, (piece) => reader.push(piece))
      const diff = reader.end()
      if (diff.files.length === 0 && diff.preamble.trim() !== '') throw noDiff(this.#site, this.#source)
      return diff.files.length === 0 ? { ...diff, bytes: 0 } : diff
    }
    const pieces: string[] = []
    await this.#pieces(response, MAX_LIST_BYTES, (piece) => pieces.push(piece))
    const text = asUnified(form, parsedJson(pieces.join('')))
    if (text === null) throw noDiff(this.#site, this.#source)
    return parseDiff(text)
  }

  async #pieces(response: Response, maxBytes: number, take: (piece: string) => void): Promise<void> {
    const reader = response.body?.getReader()
    if (reader === undefined) return
    // What is no UTF-8 is shown as that, and a mark at the beginning is the file's.
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    let bytes = 0
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      bytes += step.value.byteLength
      if (bytes > maxBytes) {
        await reader.cancel()
        throw this.#tooLarge()
      }
      take(decoder.decode(step.value, { stream: true }))
    }
    take(decoder.decode())
  }

  /** Whoever asked fails in its own way; an abort stays one. */
  async #translated<T>(work: () => Promise<T>, otherwise: typeof unreachable): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (this.#options.signal.aborted || error instanceof DiffError) throw error
      const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown }
      if (typeof code === 'string') throw new DiffError(code, `${message}`, null, error)
      throw otherwise(this.#site, this.#source, error)
    }
  }

  #tooLarge(): DiffError {
    return new DiffError('TOO_LARGE', 'This change is too large to be read: describe it by hand')
  }
}

/** The commits of a series, or the pages of a list, as one diff. */
function joined(parts: readonly Diff[]): Diff {
  return {
    files: parts.flatMap(({ files }) => files),
    preamble: '',
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0)
  }
}

/** Of a list in pages: `Link`, as both write it; GitHub with another path. It has to stay at the same server. */
function nextOf(response: Response, url: string): string | null {
  const link = /<([^<>]+)>;[^,<>]*\brel="?next\b/.exec(response.headers.get('link') ?? '')?.[1]
  const next = link === undefined ? null : URL.parse(link, url)
  return next?.origin === new URL(url).origin ? next.href : null
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
