import type { DiffStats, PullRequest } from './model'
import DEFAULT from './template.txt'

/** What the extension brings; a person may put another in its place. */
export const DEFAULT_TEMPLATE: string = DEFAULT

/** What can be put into a template. */
export interface TemplateFields {
  readonly TITLE: string
  /** The branch that is to be merged. */
  readonly SOURCE: string
  /** The branch that it is merged into. */
  readonly TARGET: string
  readonly AUTHOR: string
  readonly DIFF: string
  /** What changed, counted, in a sentence's words. */
  readonly STATS: string
  /** What the description is written in. */
  readonly LANGUAGE: string
  /** What the person said of the reason, or nothing. */
  readonly WHY: string
}

/** For the preview of a template that somebody edits. */
export const SAMPLE_FIELDS: TemplateFields = {
  TITLE: 'Retry a download that broke off',
  SOURCE: 'retry-downloads',
  TARGET: 'main',
  AUTHOR: 'Ann',
  DIFF: `diff --git a/download.py b/download.py
--- a/download.py
+++ b/download.py
@@ -1,4 +1,5 @@
 def download(url):
-    return read(url)
+    for attempt in attempts(3):
+        return read(url, after=attempt.bytes)
`,
  STATS: '1 file, 2 lines added, 1 deleted',
  LANGUAGE: 'English',
  WHY: 'Large files never arrive over bad networks.'
}

/** The names that a template may have. */
export const FIELD_NAMES = Object.keys(SAMPLE_FIELDS) as readonly (keyof TemplateFields)[]

/** A template that cannot be filled. `field` is what is wrong in it. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  readonly field: string

  constructor(field: string, text: string) {
    super(text)
    this.field = field
  }
}

/** A text, or the name of a field. */
export type TemplatePart = { readonly text: string } | { readonly field: keyof TemplateFields }

// As `host/longwire/generation/templates.py` reads them: a brace that is not around a name in upper case is text, so that a
// template may show JSON.
const FIELD = /\{([A-Z][A-Z0-9_]{0,63})\}/

/**
 * What a template is made of, in its order; for a preview that shows its fields.
 *
 * @throws {TemplateError} a field has another name, or the diff is nowhere in it
 */
export function parseTemplate(template: string): readonly TemplatePart[] {
  const parts = template.split(FIELD).map((part, i): TemplatePart => (i % 2 === 0 ? { text: part } : fieldOf(part)))
  if (!parts.some((part) => 'field' in part && part.field === 'DIFF')) {
    throw new TemplateError('DIFF', 'The template has no {DIFF}: without it a model knows nothing of the change')
  }
  return parts.filter((part) => 'field' in part || part.text !== '')
}

/**
 * The prompt. Fields are put in once, into the template and never into another's value: a diff that has `{WHY}` in it keeps it.
 *
 * @throws {TemplateError} as `parseTemplate`
 */
export function fillTemplate(template: string, fields: TemplateFields): string {
  return parseTemplate(template)
    .map((part) => ('field' in part ? fields[part.field] : part.text))
    .join('')
}

/** What a pull request, and the person, put into the fields. */
export function fieldsOf(pullRequest: PullRequest, person: { language: string; why: string }): TemplateFields {
  return {
    TITLE: pullRequest.title,
    SOURCE: pullRequest.source,
    TARGET: pullRequest.target,
    AUTHOR: pullRequest.author,
    DIFF: pullRequest.diff,
    STATS: statsText(pullRequest.stats),
    LANGUAGE: person.language,
    WHY: person.why
  }
}

/** `3 files, 120 lines added, 1 deleted`. */
export function statsText({ files, added, deleted }: DiffStats): string {
  const lines = `${added} line${added === 1 ? '' : 's'} added, ${deleted} deleted`
  return `${files} file${files === 1 ? '' : 's'}, ${lines}`
}

function fieldOf(name: string): TemplatePart {
  const field = FIELD_NAMES.find((known) => known === name)
  if (field !== undefined) return { field }
  const names = FIELD_NAMES.map((known) => `{${known}}`).join(', ')
  throw new TemplateError(name, `The template has {${name}}, which is no field: it may have ${names}`)
}
