import type { Details, DiffSource, EditorPlace, Reference, Site } from '../model'
import { has, inOneLine, type Selectors, textOf, writable } from './dom'
import { decoded, inPath, isRef, projectOf } from './names'

/** Forgejo, Codeberg and Gitea: an administrator may change any one of these, so there are several. */
const MARKS: Selectors = [
  'html[data-theme^="forgejo"]',
  'html[data-theme^="gitea"]',
  'html[data-theme^="codeberg"]',
  'meta[name="keywords"][content*="forgejo" i]',
  'meta[name="keywords"][content*="gitea" i]',
  'footer a[href^="https://forgejo.org"]',
  'footer a[href^="https://about.gitea.com"]'
]

/** Seen in Gitea's templates and in others' scripts for Forgejo, up to 2026; what follows a first line is older. */
const NAMES = {
  titleField: ['#new-issue input[name="title"]', '#issue-title-editor input[name="title"]'],
  // With the number behind it.
  heading: ['#issue-title-display h1', '#issue-title'],
  source: '#pull-desc-display [data-clipboard-text], #pull-desc [data-clipboard-text]',
  branches: '#pull-desc-display a[href*="/src/branch/"], #pull-desc-display code, #pull-desc code',
  author: ['#pull-desc-display a', '#pull-desc a', '.pull-desc a'],
  // On the page of a new one: who is signed in.
  person: ['#navbar .user-menu strong', '#navbar .menu .header strong'],
  editor: [
    'form#new-issue textarea[name="content"]',
    '.pullrequest-form textarea#content',
    // A comment's id begins with `issuecomment-`.
    '[id^="issue-"].comment .edit-content-zone textarea',
    '.comment.first .edit-content-zone textarea'
  ],
  beside: '.combo-markdown-editor',
  commits: '#commits-table a[href*="/commit/"], .commit-list a[href*="/commit/"]'
} as const

const ADDRESS = /^\/([^/]+\/[^/]+)\/(?:pulls\/(\d+)|compare\/(.+?))\/?$/
const COMMIT = /^\/[^/]+\/[^/]+\/commit\/[\da-f]{7,64}$/
/** A list of a page, which is what the site shows of a comparison. */
const MAX_COMMITS = 50

export const forgejo: Site = {
  name: 'forgejo',
  tokenNeeds: '`read:repository`',

  matches: (url, document) => url.hostname === 'codeberg.org' || has(document, MARKS),

  reference(url): Reference | null {
    const [, path = '', number, range] = ADDRESS.exec(url.pathname) ?? []
    const project = projectOf(path)
    if (project === null) return null
    const of = { site: 'forgejo', origin: url.origin, project } as const
    if (number !== undefined) return { ...of, subject: { kind: 'existing', number } }
    const [first = '', second] = decoded(range ?? '')?.split('...', 2) ?? []
    const base = second === undefined ? 'HEAD' : first
    const head = second ?? first
    return isRef(base) && isRef(head) ? { ...of, subject: { kind: 'new', base, head } } : null
  },

  details(document): Details {
    const branches = [...document.querySelectorAll(NAMES.branches)].map((element) =>
      inOneLine(element.textContent ?? '')
    )
    const [source = '', target = ''] = [...new Set(branches)]
    const copied = document.querySelector<HTMLElement>(NAMES.source)?.dataset['clipboardText']
    return {
      title: textOf(document, NAMES.titleField) || textOf(document, NAMES.heading).replace(/ #\d+$/, ''),
      source: copied ?? source,
      target,
      author: textOf(document, NAMES.author) || textOf(document, NAMES.person)
    }
  },

  editor(document): EditorPlace | null {
    const element = writable(document, NAMES.editor)
    return element && { kind: 'textarea', element, beside: element.closest<HTMLElement>(NAMES.beside) ?? element }
  },

  diff({ origin, project, subject }, document): readonly DiffSource[] {
    const repository = `${origin}/api/v1/repos/${inPath(project)}`
    if (subject.kind === 'existing') {
      return [
        { by: 'host', url: `${repository}/pulls/${subject.number}.diff`, headers: [], form: 'unified' },
        { by: 'page', url: `${origin}/${inPath(project)}/pulls/${subject.number}.diff`, headers: [], form: 'unified' }
      ]
    }
    const range = `${encodeURIComponent(subject.base)}...${encodeURIComponent(subject.head)}`
    // `output` is Gitea's, and new. Forgejo answers with a list of commits, which is no diff: then it is read commit by commit.
    const compared: DiffSource = {
      by: 'host',
      url: `${repository}/compare/${range}?output=diff`,
      headers: [],
      form: 'unified'
    }
    const [first, ...further] = commitsOf(document, origin)
    return first === undefined
      ? [compared]
      : [compared, { by: 'page', url: first, further, headers: [], form: 'unified' }]
  }
}

/** Of the comparison that the page shows, the oldest first. A fork's are the fork's. */
function commitsOf(document: Document, origin: string): readonly string[] {
  const links = [...document.querySelectorAll<HTMLAnchorElement>(NAMES.commits)]
  const commits = links.filter((link) => link.origin === origin && COMMIT.test(link.pathname))
  return [...new Set(commits.map((link) => `${origin}${link.pathname}.diff`))].slice(0, MAX_COMMITS).reverse()
}
