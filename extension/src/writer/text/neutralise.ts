// A text of a model, made harmless for the site that it is put on: what the site would act on when it is saved is put into
// code, which is seen. Line by line, so that what is whole stays as it is while the text goes on.

import type { SiteName } from '../model'
import { type LineRules, lineRules, type Neutral, neutralCode, neutralLine } from './inline'
import { SITES, type SiteRules } from './sites'

/** Controls but tab and line feed, and those that turn the direction of writing: they say nothing, and may hide what is said. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g

/** GitLab's quick actions, and what bots of the other sites read, `/ok-to-test` among it: they look at raw lines, in code too. */
const COMMAND = /^(?<space>\s*)(?<command>\/[A-Za-z_][\w-]*)(?=\s|$)/
/** CommonMark 4.7: where a link leads that stands elsewhere, perhaps in the person's words. A footnote leads nowhere. */
const DEFINITION = /^(?=(?<front>[\s>*+\-\d.)]*))\k<front>(?:\[(?!\^)|[^[\]]*\]:)/
/** GitHub Flavored Markdown 4.10, also in a list or a quotation. What is in front is taken once: a model may write blanks only. */
const DELIMITERS = /^(?=(?<front>[\s>*+\d.)]*))\k<front>(?=[-:\s]*\|)[-:\s|]*$/
/** CommonMark 4.5. */
const FENCE = /^(?<indent>[ \t]*)(?<marks>`{3,}|~{3,})(?<info>.*)$/

const rulesOf = new Map<SiteName, LineRules>()

/**
 * The text, such that nothing in it acts on its site when it is saved, and how many places were changed.
 *
 * Any beginning of a text gives the beginning of what the whole gives, but for its last line, which may not be whole.
 * A fence that is open at the end is closed, so that it cannot take in what stands below.
 */
export function neutralise(text: string, site: SiteName): { text: string; count: number } {
  const lines = text
    .replace(/\r\n?|[\u2028\u2029\u0085\v\f]/g, '\n')
    .replace(CONTROLS, '')
    .split('\n')
  const neutraliser = new Neutraliser(SITES[site], cachedRules(site))
  for (const line of lines) neutraliser.add(line)
  return neutraliser.end()
}

function cachedRules(site: SiteName): LineRules {
  const rules = rulesOf.get(site) ?? lineRules(SITES[site])
  rulesOf.set(site, rules)
  return rules
}

/** A block of code that began and did not end. */
interface Fence {
  readonly indent: string
  readonly marks: string
  /** Whether each site takes what is in it for code. */
  readonly certain: boolean
}

class Neutraliser {
  readonly #site: SiteRules
  readonly #rules: LineRules
  readonly #lines: string[] = []
  #count = 0
  #fence: Fence | null = null
  #begun = false
  /** Whether this line may be a row of a table, and whether its header's spans of code would then not be what they seem. */
  #inTable = false
  #parted = false

  constructor(site: SiteRules, rules: LineRules) {
    this.#site = site
    this.#rules = rules
  }

  add(line: string): void {
    const fence = this.#fence
    if (fence !== null && endsBefore(fence, line)) this.#close(fence)
    if (this.#fence === null) this.#addText(line)
    else if (isEnd(this.#fence, line)) this.#close(this.#fence)
    else this.#addCode(line, this.#fence)
  }

  end(): { text: string; count: number } {
    if (this.#fence !== null) {
      if (this.#lines.at(-1) === '') this.#lines.pop()
      this.#close(this.#fence)
    }
    return { text: this.#lines.join('\n'), count: this.#count }
  }

  /** As it was opened, for not every site takes a longer one for its end. */
  #close({ indent, marks }: Fence): void {
    this.#lines.push(indent + marks)
    this.#fence = null
  }

  #addText(given: string): void {
    const line = this.#neutralTable(given)
    const fence = FENCE.exec(line)?.groups
    const isFirst = !this.#begun && line.trim() !== ''
    if (isFirst) this.#begun = true
    if (fence !== undefined && !(fence['marks']?.startsWith('`') && fence['info']?.includes('`'))) {
      this.#open(fence['indent'] ?? '', fence['marks'] ?? '', fence['info'] ?? '')
    } else {
      const first = isFirst ? this.#neutralFirstLine(line) : null
      this.#changed(first ?? neutralCommand(line) ?? this.#neutralLineOfSite(line) ?? neutralDefinition(line), false)
    }
  }

  #open(indent: string, marks: string, info: string): void {
    const certain = indent === '' || (this.#site.indentedFences && /^ {1,3}$/.test(indent))
    this.#fence = { indent, marks, certain }
    // Nothing behind the language: GitLab's `json:table` has Markdown in its cells, and to Python's Markdown a fence with an
    // unknown option is none.
    const [language = ''] = (certain ? /^[\w+#.-]*/ : /^[A-Za-z]*/).exec(info.trim()) ?? []
    this.#changed({ text: indent + marks + language, count: language === info.trim() ? 0 : 1 })
  }

  #addCode(line: string, { certain }: Fence): void {
    const command = neutralCommand(line)
    if (certain) this.#changed(also(command ?? { text: line, count: 0 }, neutralCode))
    else this.#changed(command ?? this.#neutralLineOfSite(line) ?? neutralDefinition(line), true)
  }

  #neutralFirstLine(line: string): Neutral | null {
    const mark = this.#site.firstLine?.exec(line)?.[0]
    if (mark === undefined) return null
    return { text: `\`${mark}\` ${line.slice(mark.length)}`.trimEnd(), count: 1 }
  }

  #neutralLineOfSite(line: string): Neutral | null {
    return this.#site.line?.test(line) ? { text: `\`${line.trim()}\``, count: 1 } : null
  }

  /** @param inCode whether it might be code; left out where its words are not looked at any more. */
  #changed(neutral: Neutral, inCode?: boolean): void {
    let { text, count } = neutral
    if (inCode !== undefined) {
      const words = neutralLine(text, this.#rules, { inCode, inTable: this.#inTable })
      this.#parted = words.parted
      text = words.text
      count += words.count
    }
    this.#lines.push(text)
    this.#count += count
  }

  /** What makes a table of the line above, unless that is no good as one. */
  #neutralTable(line: string): string {
    if (line.trim() === '') this.#inTable = false
    if (!DELIMITERS.test(line)) return line
    if (!this.#parted) this.#inTable = true
    else this.#count += 1
    return this.#parted ? `\`${line.trim()}\`` : line
  }
}

function also({ text, count }: Neutral, next: (text: string) => Neutral): Neutral {
  const then = next(text)
  return { text: then.text, count: count + then.count }
}

/** The command alone, which then does not begin its line. */
function neutralCommand(line: string): Neutral | null {
  const { space = '', command } = COMMAND.exec(line.replace(/^(\s*)\\\//, '$1/'))?.groups ?? {}
  if (command === undefined) return null
  const rest = line.replace(/^(\s*)\\\//, '$1/').slice(space.length + command.length)
  return { text: `${space}\`${command}\`${rest}`, count: 1 }
}

/** No definition, and readable: a space is in front of its colon, whichever bracket is the one that ends its label. */
function neutralDefinition(line: string): Neutral {
  if (!line.includes(']:') || !DEFINITION.test(line)) return { text: line, count: 0 }
  return { text: line.replaceAll(']:', '] :'), count: 1 }
}

/**
 * Whether a line may be outside of a fence that was indented: in a list it is, since it stands further left. Such a fence is
 * closed in front of it, so that it is outside for everybody.
 */
function endsBefore({ indent }: Fence, line: string): boolean {
  return line.trim() !== '' && columns(/^[ \t]*/.exec(line)?.[0] ?? '') < columns(indent)
}

/** CommonMark 4.5; of one whose beginning is not certain the end may be indented as far. */
function isEnd({ indent, marks, certain }: Fence, line: string): boolean {
  const found = /^(?<indent>[ \t]*)(?<marks>`+|~+)[ \t]*$/.exec(line)?.groups
  if (found === undefined || !found['marks']?.startsWith(marks)) return false
  const far = columns(found['indent'] ?? '')
  return certain ? far <= 3 : far <= columns(indent) + 3
}

/** CommonMark 2.2: a tab goes to the next column that is a multiple of four. */
function columns(space: string): number {
  let column = 0
  for (const character of space) column += character === '\t' ? 4 - (column % 4) : 1
  return column
}
