// What a site would act on in a text, found in another way than the writer's own: the text is read by a whole Markdown parser,
// and what is left outside of code is searched as the sites do.

import MarkdownIt from 'markdown-it'
import type { SiteName } from '../../../src/writer/model'

// Everything on that a site may have on.
const markdown = new MarkdownIt({ html: true, linkify: true })
type Token = ReturnType<typeof markdown.parse>[number]

const TOLD = /\/(?:issues?|pulls?|pull-requests|merge_requests|work_items|epics)\/\d/
const REFERENCES: Readonly<Record<SiteName, RegExp>> = {
  github: /#\d|(?<![A-Za-z0-9])GH-\d/,
  gitlab: /#\d|[!&]\d|(?<![A-Za-z0-9])G[HL]-\d|\[issue:\d/,
  forgejo: /#\d|!\d/,
  bitbucket: /#\d/
}
const MENTION = /(?<![A-Za-z0-9])@[\w{]/
// GitLab's default, to the letter but for the form of a reference; then GitHub's and Forgejo's words.
const GITLAB_CLOSING =
  /\b(?:[Cc]los(?:e[sd]?|ing)|\b[Ff]ix(?:e[sd]|ing)?|\b[Rr]esolv(?:e[sd]?|ing)|\b[Ii]mplement(?:s|ed|ing)?):? +(?:issues? +)?(?:[\w./-]*#\d+|https?:\/\/\S+\/issues\/\d+|[A-Z][A-Z0-9_]+-\d+)/
const GITHUB_CLOSING =
  /\b(?:close[sd]?|fix(?:es|ed)?|resolve[sd]?|reopen(?:s|ed)?):? +(?:[\w./-]*#\d+|GH-\d+|https?:\/\/\S+\/issues\/\d+)/i
const COMMAND = /^\s*\/[A-Za-z_][\w-]*(?:\s|$)/m
const SKIPS = /\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]|^skip-checks: ?true/im
/** What stands below a text, which must not become a part of it. */
const BELOW = 'what-stands-below'

/** All that a site would act on, or take in from below, in words; empty if it would do nothing. */
export function actsOf(text: string, site: SiteName): readonly string[] {
  const acts = [...raw(text), ...seen(`${text}\n\n${BELOW}`, site, true)]
  if (site !== 'bitbucket') return acts
  // Its editor doubles backslashes of what is pasted; its pages are made by Python's Markdown.
  return [...acts, ...seen(text.replaceAll('\\', '\\\\'), site, false), ...words(withoutPythonsCode(text), site)]
}

function raw(text: string): readonly string[] {
  const found = [GITLAB_CLOSING, GITHUB_CLOSING, COMMAND, SKIPS].map((pattern) => pattern.exec(text)?.[0])
  return found.filter((one) => one !== undefined).map((one) => `raw: ${one}`)
}

function seen(text: string, site: SiteName, below: boolean): readonly string[] {
  const acts: string[] = []
  const environment: NonNullable<Parameters<typeof markdown.parse>[1]> = {}
  let stands = false
  for (const token of markdown.parse(text, environment)) {
    if (token.type === 'html_block') acts.push(`HTML: ${token.content}`)
    if (token.type !== 'inline') continue
    if (token.content.trim() === BELOW) stands = true
    acts.push(...inline(token.children ?? [], site))
  }
  if (below && !stands) acts.push('swallowed what stands below')
  // A footnote is a definition to who knows none, and of its own number only.
  if (Object.keys(environment['references'] ?? {}).some((label) => !label.startsWith('^')))
    acts.push('defines where a link leads')
  return acts
}

function inline(tokens: readonly Token[], site: SiteName): readonly string[] {
  const acts: string[] = []
  let text = ''
  let linked = false
  for (const token of tokens) {
    if (token.type === 'image' || token.type === 'html_inline') acts.push(`${token.type}: ${token.content}`)
    if (token.type === 'link_open') {
      const href = String(token.attrGet('href'))
      if (TOLD.test(href) || /\.png$/.test(href)) acts.push(`link: ${href}`)
      linked = token.markup === 'linkify' || token.markup === 'autolink'
    }
    if (token.type === 'link_close') linked = false
    if (token.type === 'softbreak' || token.type === 'hardbreak' || token.type === 'code_inline') text += '\n'
    if (token.type === 'text') text += linked ? '\n' : token.content
    if (token.type === 'text_special') text += token.content
  }
  return [...acts, ...words(text, site)]
}

function words(text: string, site: SiteName): readonly string[] {
  const found = [MENTION, REFERENCES[site]].map((pattern) => pattern.exec(text))
  return found
    .filter((one) => one !== null)
    .map((one) => `acts: ${text.slice(Math.max(0, one.index - 9), one.index + 9)}`)
}

/** markdown.extensions.fenced_code and markdown.inlinepatterns of Python's Markdown 3. */
function withoutPythonsCode(text: string): string {
  return text
    .replace(/^(~{3,}|`{3,})[ ]*[\w#.+-]*[ ]*\n.*?(?<=\n)\1[ ]*$/gms, '\n')
    .replace(/(?<!\\)(`+)(.+?)(?<!`)\1(?!`)/gs, '\n')
    .replace(/https?:\/\/[^\s`<>()]+/g, '')
}
