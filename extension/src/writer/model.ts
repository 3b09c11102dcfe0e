// What the parts of the writer say to each other: types alone.

import type { DiffStats } from '../shared/diff-stats'

export type { DiffStats }

/** Whose pages they are. Each has one file in `sites/`. */
export type SiteName = 'bitbucket' | 'forgejo' | 'github' | 'gitlab'

/** A pull request that is there, or the two branches of one that is about to be. */
export type Subject =
  | { readonly kind: 'existing'; readonly number: string }
  | { readonly kind: 'new'; readonly base: string; readonly head: string }

/** What a page is about. */
export interface Reference {
  readonly site: SiteName
  /** Of the page. */
  readonly origin: string
  /** `owner/name`; GitLab has more segments. */
  readonly project: string
  readonly subject: Subject
}

/** What the page shows of it; empty where it shows nothing. */
export interface Details {
  readonly title: string
  readonly source: string
  readonly target: string
  readonly author: string
}

/** By which means a text gets into an editor. */
export type EditorKind = 'textarea' | 'prosemirror' | 'prosemirror-with-input'

/** Where a description is written. */
export interface EditorPlace {
  readonly kind: EditorKind
  readonly element: HTMLElement
  /** What the site saves, where that is not the element itself. */
  readonly saved?: HTMLInputElement | HTMLTextAreaElement
  /** Behind which element the writer's own is put. */
  readonly beside: HTMLElement
}

/** Where a diff is read, in the order in which it is tried. */
export interface DiffSource {
  /** `host`: by the writer's grants and with their secrets. `page`: as the page itself would, with the person's session. */
  readonly by: 'host' | 'page'
  readonly url: string
  /** What is read after it, in the same form: a change that the site gives only commit by commit. */
  readonly further?: readonly string[]
  readonly headers: readonly (readonly [string, string])[]
  /** What comes back. The other two are lists of files in pages: of GitLab's merge requests and comparisons, of GitHub's pull requests. */
  readonly form: 'unified' | 'gitlab-json' | 'github-files'
}

/** One of the four. */
export interface Site {
  readonly name: SiteName
  /** Whether this document is one of its pages. Hosts of one's own are told by what is in the document. */
  matches(url: URL, document: Document): boolean
  /** Null where there is no description to write. */
  reference(url: URL, document: Document): Reference | null
  details(document: Document): Details
  editor(document: Document): EditorPlace | null
  /** What is in the document says more of a pull request than its address does: its branches, its commits. */
  diff(reference: Reference, document: Document): readonly DiffSource[]
  /** What a token has to be allowed, to read one: for the text of an error. */
  readonly tokenNeeds: string
}

/** A pull request as it is put into the template. */
export interface PullRequest extends Details {
  readonly diff: string
  readonly stats: DiffStats
}

/** An editor, whatever its kind. */
export interface Editor {
  /** The whole text, as the site would save it. */
  read(): string
  /** Whether it is still in the document and may be written in. */
  usable(): boolean
  /** Whether words that the writer did not write stand where it would write next. */
  holdsTheirs(): boolean
  /**
   * Begin to write: between the writer's markers if they are there, else where it wrote last, else below what stands there.
   *
   * @param replace whether a person agreed that words of theirs may go, if it `holdsTheirs`; else they stay, above the text.
   */
  write(replace: boolean): LiveText
}

/** The text that the writer is writing. */
export interface LiveText {
  /** All of it so far: takes the place of what was shown before. The caret is at its end. At most every 100 ms. */
  show(text: string): void
  /** The last of it is shown: close the step that undo takes back. */
  finish(): void
}

/** How far the writer has come; in this order, but `failed` and `stopped`, which may follow each. */
export type Phase = 'reading' | 'preparing' | 'writing' | 'done' | 'stopped' | 'failed'

/** What one run of the writer says, to whoever shows it. */
export type WritingEvent =
  | { readonly type: 'phase'; readonly phase: Phase; readonly text: string }
  | { readonly type: 'pr_data'; readonly title: string; readonly diffStats: DiffStats }
  | { readonly type: 'cut'; readonly originalBytes: number; readonly cutBytes: number }
  | {
      readonly type: 'progress'
      readonly tokens: number
      readonly elapsedMs: number
      readonly remainingMs: number | null
    }
  | { readonly type: 'neutralised'; readonly count: number }
  | { readonly type: 'failed'; readonly code: string; readonly text: string; readonly retryAfterMs: number | null }
