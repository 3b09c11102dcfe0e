import type { Details, DiffSource, EditorPlace, Reference, Site } from '../model'
import { has, inOneLine, type Selectors, textOf, writable } from './dom'
import { decoded, inPath, isRef, projectOf } from './names'

/** GitHub Enterprise names its own host in each of its pages (seen in Refined GitHub and Gitcasso, 2025). */
const MARKS: Selectors = ['meta[name="expected-hostname"]', 'meta[name="hostname"]']

/** Seen on github.com in November 2026 by others' extensions; what follows a first line is older, and Enterprise's still. */
const NAMES = {
  titleField: ['#new_pull_request #pull_request_title', '#new_pull_request [name="pull_request[title]"]'],
  // With the number behind it.
  heading: ['h1[class*="PullRequestHeader"]', '[data-component="PageHeader"] h1', '.gh-header-title .js-issue-title'],
  // The first of two: into which; the second: from which.
  branches: ['[class*="PullRequestHeaderBranches"] a[data-component="BranchName"]', '.gh-header-meta .commit-ref'],
  base: ['#new_pull_request input[name="base"]'],
  head: ['#new_pull_request input[name="head"]'],
  author: ['[class*="PullRequestHeaderSummary"] a.author', '.gh-header-meta .author'],
  // On the page of a new one: who is signed in.
  person: ['meta[name="user-login"]'],
  // The form keeps a second one of each id out of sight, and other forms of the page have the same names.
  editor: [
    'form#new_pull_request #pull_request_body',
    'form.js-comment-update textarea[name="pull_request[body]"]',
    'form#new_pull_request textarea[name="pull_request[body]"]'
  ],
  beside: '.js-previewable-comment-form, tab-container, .CommentBox'
} as const

const ADDRESS = /^\/([^/]+\/[^/]+)\/(?:pull\/(\d+)|compare\/(.+?))\/?$/

const FULL_NAME = /^\/([^/]+)\/[^/]+\/tree\/(.+)$/

export const github: Site = {
  name: 'github',
  tokenNeeds: 'to read contents and pull requests (classic: `repo`)',

  matches: (url, document) =>
    url.hostname === 'github.com' || url.hostname.endsWith('.ghe.com') || namesItself(url, document),

  reference(url, document): Reference | null {
    const [, path = '', number, range] = ADDRESS.exec(url.pathname) ?? []
    const project = projectOf(path)
    if (project === null) return null
    const of = { site: 'github', origin: url.origin, project } as const
    if (number !== undefined) return { ...of, subject: { kind: 'existing', number } }
    const [first = '', second] = decoded(range ?? '')?.split('...', 2) ?? []
    // Where the address names only one branch, the form says into which it goes; else it is the project's own.
    const base = second === undefined ? ownName(textOf(document, NAMES.base), project.split('/')[0]) || 'HEAD' : first
    const head = second ?? first
    return isRef(base) && isRef(head) ? { ...of, subject: { kind: 'new', base, head } } : null
  },

  details(document): Details {
    const [base, head] = [textOf(document, NAMES.base), textOf(document, NAMES.head)]
    const [owner] = base.split(':')
    // The form has both with their owners.
    const [target = '', source = ''] =
      base === '' ? branchesOf(document) : [base, head].map((ref) => ownName(ref, owner))
    return {
      title: textOf(document, NAMES.titleField) || textOf(document, NAMES.heading).replace(/ (?:- )?#\d+$/, ''),
      source,
      target,
      author: textOf(document, NAMES.author) || textOf(document, NAMES.person)
    }
  },

  editor(document): EditorPlace | null {
    const element = writable(document, NAMES.editor)
    return element && { kind: 'textarea', element, beside: element.closest<HTMLElement>(NAMES.beside) ?? element }
  },

  diff({ origin, project, subject }, document): readonly DiffSource[] {
    const repository = `${apiOf(origin)}/repos/${inPath(project)}`
    const asDiff = [['Accept', 'application/vnd.github.diff']] as const
    const asJson = [['Accept', 'application/vnd.github+json']] as const
    if (subject.kind === 'new') {
      const { base, head } = subject
      const range = `${encodeURIComponent(base)}...${encodeURIComponent(head)}`
      return [
        { by: 'host', url: `${repository}/compare/${range}`, headers: asDiff, form: 'unified' },
        compared(origin, project, base, head)
      ]
    }
    const pull = `${repository}/pulls/${subject.number}`
    const [base = '', head = ''] = branchesOf(document)
    return [
      { by: 'host', url: pull, headers: asDiff, form: 'unified' },
      // Of more than 20,000 lines there is no diff (406), but still a list of files.
      { by: 'host', url: `${pull}/files?per_page=100`, headers: asJson, form: 'github-files' },
      // github.com sends it from another server, which its pages may not read. Enterprise does not.
      { by: 'page', url: `${origin}/${inPath(project)}/pull/${subject.number}.diff`, headers: [], form: 'unified' },
      ...(isRef(base) && isRef(head) ? [compared(origin, project, base, head)] : [])
    ]
  }
}

function compared(origin: string, project: string, base: string, head: string): DiffSource {
  const url = `${origin}/${inPath(project)}/compare/${inPath(base)}...${inPath(head)}.diff`
  return { by: 'page', url, headers: [], form: 'unified' }
}

function namesItself({ hostname }: URL, document: Document): boolean {
  return has(document, MARKS) && textOf(document, MARKS) === hostname
}

/** The API of github.com, of a tenant with residence of its own, and of an Enterprise server. */
function apiOf(origin: string): string {
  const { protocol, hostname, host } = new URL(origin)
  if (hostname === 'github.com' || hostname.endsWith('.ghe.com')) return `${protocol}//api.${host}`
  return `${origin}/api/v3`
}

/** Into which and from which, the second with its owner where it is a fork's. */
function branchesOf(document: Document): readonly string[] {
  for (const selector of NAMES.branches) {
    const [base, head] = document.querySelectorAll<HTMLElement>(selector)
    if (base !== undefined && head !== undefined) return [nameOf(base, null), nameOf(head, ownerOf(base))]
  }
  return []
}

/** A link is whole where its text may be cut; the older markup has it in the title. */
function nameOf(element: HTMLElement, baseOwner: string | null): string {
  const link = element instanceof HTMLAnchorElement ? FULL_NAME.exec(element.pathname) : null
  if (link !== null) {
    const name = decoded(link[2] as string) ?? ''
    return baseOwner === null || link[1] === baseOwner ? name : `${link[1]}:${name}`
  }
  const [, owner = '', name = ''] = /^([^/:]+)(?:\/[^:]+)?:(.+)$/.exec(element.title) ?? []
  if (name === '') return inOneLine(element.textContent ?? '')
  return baseOwner === null || owner === baseOwner ? name : `${owner}:${name}`
}

function ownerOf(element: HTMLElement): string | null {
  if (element instanceof HTMLAnchorElement) return FULL_NAME.exec(element.pathname)?.[1] ?? null
  return /^([^/:]+)/.exec(element.title)?.[1] ?? null
}

/** `ann:main` of Ann's is `main`. */
function ownName(ref: string, owner: string | undefined): string {
  return ref.startsWith(`${owner}:`) ? ref.slice(ref.lastIndexOf(':') + 1) : ref
}
