import type { Details, DiffSource, EditorPlace, Reference, Site } from '../model'
import { inOneLine, type Selectors, textOf, writable } from './dom'
import { inPath, isRef, projectOf } from './names'

/** Seen on bitbucket.org by others' extensions, 2025 and 2026. The editor is Atlassian's for every kind of text. */
const NAMES = {
  title: [
    'form input[name="title"]',
    '[data-qa="pr-header-title"]',
    '[data-testid="pull-request-title"]',
    'h1[tabindex="-1"]'
  ],
  // The first of two: from which; the second: into which. What is said to a screen reader stands beside it.
  branches: '[data-qa="pr-branches-and-state-styles"] span[aria-hidden="true"]',
  author: ['[data-qa="pr-author"]', '[data-testid="pr-header"] [data-testid="author"]'],
  editor: ['#ak-editor-textarea.ProseMirror', '.ProseMirror[contenteditable="true"]'],
  // A comment's editor has the same id. A description is edited where the title is, too.
  form: 'form, [role="dialog"]',
  titleField: 'input[name="title"]',
  beside: '[data-testid="ak-editor-main-toolbar"], [data-testid="editor-content-container"], .akEditor'
} as const

const ADDRESS = /^\/([^/]+\/[^/]+)\/pull-requests\/(?:(new)|(?:update\/)?(\d+)(?:\/overview)?)\/?$/

export const bitbucket: Site = {
  name: 'bitbucket',
  tokenNeeds: '`read:pullrequest:bitbucket` and `read:repository:bitbucket`',

  matches: (url) => url.hostname === 'bitbucket.org',

  reference(url): Reference | null {
    const [, path = '', isNew, number] = ADDRESS.exec(url.pathname) ?? []
    const project = projectOf(path)
    if (project === null) return null
    const of = { site: 'bitbucket', origin: url.origin, project } as const
    if (isNew === undefined) return { ...of, subject: { kind: 'existing', number: number as string } }
    const head = namedBranch(url.searchParams.get('source'), project)
    const base = namedBranch(url.searchParams.get('dest'), project) || 'HEAD'
    return isRef(base) && isRef(head) ? { ...of, subject: { kind: 'new', base, head } } : null
  },

  details(document): Details {
    const [source, target] = document.querySelectorAll(NAMES.branches)
    return {
      title: textOf(document, NAMES.title),
      source: inOneLine(source?.textContent ?? ''),
      target: inOneLine(target?.textContent ?? ''),
      author: textOf(document, NAMES.author)
    }
  },

  editor(document): EditorPlace | null {
    const element = writableInForm(document, NAMES.editor)
    return element && { kind: 'prosemirror', element, beside: element.closest<HTMLElement>(NAMES.beside) ?? element }
  },

  diff({ origin, project, subject }): readonly DiffSource[] {
    // Two commits in its order: first what has the changes, then what they are compared with; `topic` is git's three dots.
    const path =
      subject.kind === 'existing'
        ? `pullrequests/${subject.number}/diff`
        : `diff/${encodeURIComponent(`${subject.head}..${subject.base}`)}?topic=true`
    const repository = `2.0/repositories/${inPath(project)}`
    const { protocol, host } = new URL(origin)
    return [
      { by: 'host', url: `${protocol}//api.${host}/${repository}/${path}`, headers: [], form: 'unified' },
      // By which the site's own pages read it.
      { by: 'page', url: `${origin}/!api/${repository}/${path}`, headers: [], form: 'unified' }
    ]
  }
}

function writableInForm(document: Document, selectors: Selectors): HTMLElement | null {
  for (const title of document.querySelectorAll(NAMES.titleField)) {
    const form = title.closest(NAMES.form)
    const element = form && writable(form, selectors)
    if (element) return element
  }
  return null
}

/** `branch`, `workspace/name:branch`, `workspace/name::branch` or with a commit between: as the site writes its own links. */
function namedBranch(text: string | null, project: string): string {
  const parts = (text ?? '').split(':')
  const name = parts.at(-1) ?? ''
  const owner = parts[0] ?? ''
  return parts.length === 1 || owner === project ? name : `${owner}:${name}`
}
