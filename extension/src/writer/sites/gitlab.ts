import type { Details, DiffSource, EditorPlace, Reference, Site } from '../model'
import { has, type Selectors, textOf, writable } from './dom'
import { isRef, projectOf } from './names'

const MARKS: Selectors = [
  'meta[property="og:site_name"][content="GitLab"]',
  'body[data-page^="projects:merge_requests"]'
]

/** Seen in GitLab's own views and specs, and in others' extensions of 2025 and 2026. */
const NAMES = {
  title: [
    '[data-testid="issuable-form-title-field"]',
    '#merge_request_title',
    '[name="merge_request[title]"]',
    'h1[data-testid="title-content"]'
  ],
  source: ['[name="merge_request[source_branch]"]', '.branch-selector code'],
  target: ['[name="merge_request[target_branch]"]'],
  sourceProject: ['[name="merge_request[source_project_id]"]'],
  targetProject: ['[name="merge_request[target_project_id]"]'],
  author: ['.detail-page-description .author-link', '.merge-request .author-link'],
  plain: ['textarea#merge_request_description', 'textarea[name="merge_request[description]"]'],
  rich: [
    '[data-testid="content_editor_editablebox"] [contenteditable="true"]',
    '.md-area .ProseMirror[contenteditable="true"]'
  ],
  // What is sent, while the other editor is the one that is seen.
  saved: 'input[name="merge_request[description]"], textarea[name="merge_request[description]"]',
  beside: '.js-editor, .js-markdown-editor, .md-area'
} as const

const ADDRESS = /^\/(.+?)\/-\/merge_requests(?:\/(?:new|(\d+)\/edit))?\/?$/

export const gitlab: Site = {
  name: 'gitlab',
  tokenNeeds: '`read_api`',

  matches: (url, document) => url.hostname === 'gitlab.com' || has(document, MARKS),

  reference(url, document): Reference | null {
    const [, path = '', number] = ADDRESS.exec(url.pathname) ?? []
    const project = projectOf(path)
    if (project === null) return null
    const of = { site: 'gitlab', origin: url.origin, project } as const
    if (number !== undefined) return { ...of, subject: { kind: 'existing', number } }
    const asked = (field: string, names: Selectors) =>
      textOf(document, names) || (url.searchParams.get(`merge_request[${field}]`) ?? '')
    const base = asked('target_branch', NAMES.target) || 'HEAD'
    const branch = asked('source_branch', NAMES.source)
    const fork = asked('source_project_id', NAMES.sourceProject)
    const own = asked('target_project_id', NAMES.targetProject)
    // A form that came back with an error has the list's address. Two ids: a fork's branch, written `id:branch`.
    const head = /^\d+$/.test(fork) && /^\d+$/.test(own) && fork !== own ? `${fork}:${branch}` : branch
    return isRef(base) && isRef(head) ? { ...of, subject: { kind: 'new', base, head } } : null
  },

  details: (document): Details => ({
    title: textOf(document, NAMES.title),
    source: textOf(document, NAMES.source),
    target: textOf(document, NAMES.target),
    author: textOf(document, NAMES.author)
  }),

  editor(document): EditorPlace | null {
    const plain = writable(document, NAMES.plain)
    const rich = plain ?? writable(document, NAMES.rich)
    if (rich === null) return null
    const beside = rich.closest<HTMLElement>(NAMES.beside) ?? rich
    if (plain !== null) return { kind: 'textarea', element: plain, beside }
    // Notes have the same editor: it is the description's if the description's field is in the same form.
    const saved = rich.closest('form')?.querySelector<HTMLInputElement | HTMLTextAreaElement>(NAMES.saved)
    return saved ? { kind: 'prosemirror-with-input', element: rich, saved, beside } : null
  },

  diff({ origin, project, subject }): readonly DiffSource[] {
    const api = `${origin}/api/v4/projects`
    const own = `${api}/${encodeURIComponent(project)}`
    if (subject.kind === 'existing') {
      const request = `${own}/merge_requests/${subject.number}`
      return [
        // Since 17.9, and whole.
        { by: 'host', url: `${request}/raw_diffs`, headers: [], form: 'unified' },
        { by: 'host', url: `${request}/diffs?per_page=100`, headers: [], form: 'gitlab-json' },
        {
          by: 'page',
          url: `${origin}/${project}/-/merge_requests/${subject.number}.diff`,
          headers: [],
          form: 'unified'
        },
        { by: 'page', url: `${request}/diffs?per_page=100`, headers: [], form: 'gitlab-json' }
      ]
    }
    const [, fork, branch = ''] = /^(?:(\d+):)?(.+)$/.exec(subject.head) ?? []
    const query = new URLSearchParams({ from: subject.base, to: branch })
    // From the fork's side, for only it has both.
    const url =
      fork === undefined
        ? `${own}/repository/compare?${query}`
        : `${api}/${fork}/repository/compare?${query}&from_project_id=${encodeURIComponent(project)}`
    // Its API takes a page's session too.
    return (['host', 'page'] as const).map((by) => ({ by, url, headers: [], form: 'gitlab-json' }))
  }
}
