// What each site does by itself with words of a description, beyond showing them.

import type { SiteName } from '../model'

/** What one site reads besides what all of them read (`inline.ts`). */
export interface SiteRules {
  /** References of its own, outside of code. Sources of regular expressions without flags. */
  readonly references: readonly string[]
  /** Lines that are the site's own Markdown. */
  readonly line: RegExp | null
  /** What makes a whole text something else where it begins its first line. */
  readonly firstLine: RegExp | null
  /** Whether a fence of code may be indented. */
  readonly indentedFences: boolean
}

/**
 * Sources, as of November 2026:
 * - GitLab Docs, "GitLab Flavored Markdown": `!123`, `&123`, `[issue:123]`; `>>>` begins and ends a quotation
 *   whatever is in it; front matter is taken off before anything else is read.
 * - Forgejo, modules/references: `!123` is a pull request.
 * - Bitbucket Cloud, "Markup comments": Python's Markdown, where a fence begins its line.
 */
export const SITES: Readonly<Record<SiteName, SiteRules>> = {
  github: { references: [], line: null, firstLine: null, indentedFences: true },
  gitlab: {
    references: ['[!&](?:\\d+|(?=[*_~<\\\\]+\\d))', '\\[[a-z_]+:[^[\\]\\s|]+\\]'],
    line: /^\s*>>>+\s*$/,
    firstLine: /^(?:---|\+\+\+|;;;)(?=\s*(?:\S+\s*)?$)/,
    indentedFences: true
  },
  forgejo: { references: ['!(?:\\d+|(?=[*_~<\\\\]+\\d))'], line: null, firstLine: null, indentedFences: true },
  bitbucket: { references: [], line: null, firstLine: null, indentedFences: false }
}

/**
 * Words that close, or open again, what stands behind them. All sites' words on all sites, for a description becomes the
 * message of a commit too: GitHub Docs, "Linking a pull request to an issue"; GitLab Docs, "Default closing pattern";
 * Forgejo, `CLOSE_KEYWORDS` and `REOPEN_KEYWORDS`.
 */
const CLOSING = anyCase(
  'close(?:s|d)?|closing|fix(?:es|ed|ing)?|resolve(?:s|d)?|resolving|implement(?:s|ed|ing)?|reopen(?:s|ed)?'
)
const CLOSES = `(?<![A-Za-z0-9])(?:${CLOSING})(?![A-Za-z0-9]):?\\s*(?:${anyCase('issue(?:s)?')}\\s+)?`
/** What ends with a closing word. */
export const ENDS_IN_CLOSING = new RegExp(`(?<![A-Za-z0-9])(?:${CLOSING}):?$`)

const KEY = '[A-Z][A-Z0-9_]{1,50}-\\d+'

/** Jira's keys behind a closing word, which GitLab hands on: `keys` is the list of them. */
export const CLOSED_KEYS = `${CLOSES}(?<keys>${KEY}(?:(?:\\s*,\\s*|\\s+and\\s+|\\s*,\\s*and\\s+)${KEY})*)`

/**
 * A closing word and `what` it closes, as it is found in code: GitLab looks for it in the raw description
 * (lib/gitlab/closing_issue_extractor.rb), and every site in the message of a commit, where nothing is code.
 */
export const CLOSES_IN_CODE = new RegExp(
  `(?<word>${CLOSES})(?<what>[\\w./-]{0,200}[#!]\\d+|G[HL]-\\d+|https?:\\/\\/[^\\s\`]+|${KEY})`,
  'g'
)

/**
 * What keeps a commit's tests from being run, if a description becomes its message: GitHub Docs, "Skipping workflow runs";
 * GitLab Docs, "Skip a pipeline"; Bitbucket Support, "Skip a pipeline"; Forgejo, `SKIP_WORKFLOW_STRINGS`. In brackets, also
 * in code; the last is a line at the end.
 */
export const SKIPS = `(?<=\\[)(?:${anyCase('skip ci|ci skip|no ci|skip actions|actions skip')})(?=\\])|${anyCase('skip-checks')}(?=:\\s*${anyCase('true')})`

/** A letter of it may be small or not. Classes of characters are not understood. */
function anyCase(source: string): string {
  return source.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`)
}
