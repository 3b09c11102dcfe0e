// One line of Markdown outside of code: what a site would act on is put into a span of code, where it stays readable and does
// nothing.
//
// All spans of code of the result are on one line. A backtick without its like on the same line would make a span with one of
// another line, and turn inside out what stands between: it is replaced by a letter that looks the same. An escape would not do,
// since Bitbucket's editor doubles what is pasted of backslashes.

import { CLOSED_KEYS, CLOSES_IN_CODE, ENDS_IN_CLOSING, type SiteRules, SKIPS } from './sites'
import { Written } from './written'

/** MODIFIER LETTER GRAVE ACCENT. */
const LOOKS_LIKE_BACKTICK = 'ˋ'

/** What is shown as what it stands for cannot be one of these: `&#64;team` is a mention once it is rendered. */
const HARMLESS_ENTITIES = 'amp|lt|gt|quot|apos|nbsp|mdash|ndash|hellip|copy|rarr|larr|times|middot|bull'

/** Pages whose address in a text tells them, or closes them: GitHub's, GitLab's, Forgejo's, Bitbucket's. */
const TOLD = '\\/(?:issues?|pulls?|pull-requests|merge_requests|work_items|epics|incidents|discussions)\\/\\d'
/** What a page shows in place of its address. */
const SHOWN =
  /\.(?:png|jpe?g|gif|svg|webp|avif|bmp|ico|mp4|mov|webm|ogg|mp3|wav)(?![A-Za-z0-9])|\/user-attachments\/|\/uploads\/|user-images\./i
/** An escape that no address needs: of a letter, a digit, `-`, `.`, `_` or `~`. */
const NEEDLESS_ESCAPE = /%(?:3\d|4[1-9a-f]|5[\da]|6[1-9a-f]|7[\dae]|2d|2e|5f)/i
/** An address that each site makes a link of, with nothing in it that is read as anything else. */
const PLAIN_LINK =
  /^(?:https?:\/\/|www\.)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]+(?::\d+)?(?:[/?#](?:[\w\-.~%/?=&+:#]|(?<=[A-Za-z0-9/])@)*)?$/i

/** What makes the rest a tag, an image, an address. */
const BEGINNING = /^(?:<[!?/]?-{0,2}[A-Za-z0-9-]*|!|[a-z]+:\/\/|www\.|@+)/i

/** Rules of one site, ready to be used. */
export interface LineRules {
  /** All that acts, and addresses. */
  readonly pattern: RegExp
}

/** @param site whose references are read besides the usual ones */
export function lineRules(site: SiteRules): LineRules {
  const alternatives = [
    // GitHub Flavored Markdown 6.9 and what is near it.
    '(?<url>(?:[hH][tT]{2}[pP][sS]?:\\/\\/|[wW]{3}\\.)[^\\s<>()[\\]|"\'\\\\]*)',
    `(?<path>[^\\s<>()[\\]|"'\\\\]{0,200}${TOLD}[\\w#?=&./-]*)`,
    // CommonMark 6.6 and 4.6: a tag that is whole, one whose end may be on another line, comments, declarations, CDATA.
    '(?<html><(?:\\/?[A-Za-z][A-Za-z0-9-]*(?=[\\s/>]|$)|[!?])[^<>|]*>?)',
    // CommonMark 6.2.
    `(?<entity>&(?!(?:${HARMLESS_ENTITIES});)(?:#\\d{1,8}|#[xX][\\da-fA-F]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});)`,
    // CommonMark 6.4: inline, by reference; and what is neither but may become one.
    '(?<image>!\\[[^\\[\\]|]*\\](?:\\([^()\\s|]*\\)|\\[[^\\[\\]|]*\\])?|!(?=\\[))',
    `(?:${CLOSED_KEYS})`,
    `(?:${SKIPS})`,
    // People, teams, groups, everybody. A name may follow in markup, which Forgejo takes off first.
    '(?<mention>(?<![A-Za-z0-9])@+(?=\\S)(?:\\{[^}\\s|]*\\}|\\w(?:[\\w.-]*\\w)?(?:\\/\\w(?:[\\w.-]*\\w)?)*)?)',
    // Forgejo takes markup off before it looks for a number, too.
    '(?<reference>#(?:\\d+|(?=[*_~[<\\\\]+\\d)))',
    // GitHub's and GitLab's, and in the message of a commit anybody's.
    '(?<![A-Za-z0-9])G[HL]-\\d+',
    ...site.references.map((source) => `(?:${source})`)
  ]
  return { pattern: new RegExp(alternatives.join('|'), 'g') }
}

/** A line, and how much of it would have acted. */
export interface Neutral {
  readonly text: string
  readonly count: number
}

/** What a line may be, besides text. */
export interface Where {
  /** The site might show it as code: then nothing in it is certain to be code, or text. */
  readonly inCode: boolean
  /** Its cells may be parted first, also within a span of code (GitHub Flavored Markdown 4.10). */
  readonly inTable: boolean
}

/** @returns `parted` too: whether as a row of a table it would have other spans of code. */
export function neutralLine(line: string, rules: LineRules, where: Where): Neutral & { readonly parted: boolean } {
  const tokens = joined(tokensOf(line).map((token) => (isCertain(token, where) ? token : asText(token))))
  const written = new Written()
  for (const token of tokens) {
    if (token.code) written.span(token.text)
    else neutralText(token.text, rules, written)
  }
  const parted = tokens.some(({ code, text }) => code && text.includes('|'))
  return { text: written.text(), count: written.count, parted }
}

const SKIPS_IN_CODE = new RegExp(SKIPS, 'g')

/** Closing words of a line of code, what keeps tests from being run, and what would close a comment of ours. */
export function neutralCode(line: string): Neutral {
  let count = 0
  const text = line
    .replace(CLOSES_IN_CODE, (_, word: string, what: string) => {
      count += 1
      return `${word}\`${what}\``
    })
    .replace(SKIPS_IN_CODE, (found) => {
      count += 1
      return `\`${found}\``
    })
    .replace(/<!--\s*longwire:/g, (found) => {
      count += 1
      return found.replace('<!--', '<! --')
    })
  return { text, count }
}

interface Token {
  readonly code: boolean
  readonly text: string
}

/** CommonMark 6.1: a span of code ends with as many backticks as it began. A backslash hides the one behind it. */
function tokensOf(line: string): readonly Token[] {
  const tokens: Token[] = []
  let plain = ''
  let at = 0
  while (at < line.length) {
    const character = line.charAt(at)
    if (character === '\\' && at + 1 < line.length) {
      const next = line.charAt(at + 1)
      plain += next === '`' ? LOOKS_LIKE_BACKTICK : character + next
      at += 2
    } else if (character !== '`') {
      plain += character
      at += 1
    } else {
      const run = /^`+/.exec(line.slice(at))?.[0] ?? ''
      const end = endOfSpan(line, at + run.length, run.length)
      if (end === null) plain += LOOKS_LIKE_BACKTICK.repeat(run.length)
      else {
        tokens.push({ code: false, text: plain }, { code: true, text: line.slice(at, end) })
        plain = ''
      }
      at = end ?? at + run.length
    }
  }
  return [...tokens, { code: false, text: plain }]
}

function endOfSpan(line: string, from: number, length: number): number | null {
  for (let at = line.indexOf('`', from); at !== -1; at = line.indexOf('`', at)) {
    let end = at
    while (line.charAt(end) === '`') end += 1
    if (end - at === length) return end
    at = end
  }
  return null
}

/**
 * Whether it is surely code. A fence that is none may end where a span of as many backticks begins, and a closing word acts in
 * code, too.
 */
function isCertain({ code, text }: Token, { inCode, inTable }: Where): boolean {
  if (!code) return true
  if ((inCode && text.startsWith('```')) || (inTable && text.includes('|'))) return false
  return neutralCode(text).count === 0
}

function asText({ text }: Token): Token {
  return { code: false, text: text.replaceAll('`', LOOKS_LIKE_BACKTICK) }
}

/** Neighbours that are both text may only together be what acts. */
function joined(tokens: readonly Token[]): readonly Token[] {
  const result: Token[] = []
  for (const token of tokens) {
    const last = result.at(-1)
    if (last && !last.code && !token.code) result[result.length - 1] = { code: false, text: last.text + token.text }
    else result.push(token)
  }
  return result
}

function neutralText(given: string, { pattern }: LineRules, written: Written): void {
  // What is escaped here for no reason is what it is without the escape once it is shown: `\@team`, `https\://`.
  let text = given.replace(/\\(\\|[@:/&!<]|-(?=\d)|#(?=[\d*_~[<\\]))/g, (both, hidden) =>
    hidden === '\\' ? both : hidden
  )
  let at = 0
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const { url, path, keys, html } = match.groups ?? {}
    const whole = url?.replace(/(?<![*_~.,:;!?])[*_~.,:;!?]+$/, '') ?? keys ?? (html ?? path ?? match[0]).trimEnd()
    // A closing word would act in code too: then only what makes it more than words is put there.
    const found = neutralCode(whole).count > 0 && keys === undefined ? (BEGINNING.exec(whole)?.[0] ?? whole) : whole
    const begin = keys === undefined ? match.index : match.index + match[0].length - keys.length
    const end = begin + found.length
    if (url !== undefined && isLink(found, text.charAt(begin - 1))) {
      written.plain(text.slice(at, end))
      pattern.lastIndex = at = end
    } else {
      written.plain(text.slice(at, begin))
      written.neutral(found)
      // What stood in front of the rest is in code now, and keeps it from nothing.
      text = text.slice(end)
      pattern.lastIndex = at = 0
    }
  }
  written.plain(text.slice(at))
}

/** Whether an address is nothing but a link, with what stands in front of it. */
function isLink(url: string, front: string): boolean {
  if (new RegExp(TOLD, 'i').test(url) || SHOWN.test(url) || NEEDLESS_ESCAPE.test(url) || !PLAIN_LINK.test(url))
    return false
  // Its last word may close what stands behind it.
  if (ENDS_IN_CLOSING.test(url)) return false
  return (/^h/i.test(url) && /^[\s*_~(<]?$/.test(front)) || !/[@#&!]|G[HL]-\d/.test(url)
}
