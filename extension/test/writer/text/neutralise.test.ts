import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SiteName } from '../../../src/writer/model'
import { neutralise } from '../../../src/writer/text/neutralise'
import { times } from '../../effort'
import { actsOf } from './acting'

const NAMES: readonly SiteName[] = ['bitbucket', 'forgejo', 'github', 'gitlab']

/** What goes in, what comes out, on which sites. */
const CASES: readonly (readonly [name: string, text: string, neutral: string, sites?: readonly SiteName[]])[] = [
  ['a person', 'thanks to @ann.', 'thanks to `@ann`.'],
  ['a team', 'ask @org/team-a!', 'ask `@org/team-a`!'],
  ['everybody', '@all', '`@all`'],
  ['a person in emphasis', '_@ann_', '_`@ann_`'],
  ['a person behind an escape', '\\@ann', '`@ann`'],
  ['a person by number', '&#64;ann', '`&#64;`ann'],
  ['a person in markup', '@**ann**', '`@`**ann**'],
  ['an account of Bitbucket', '@{557058:ab-cd}', '`@{557058:ab-cd}`'],
  ['beside code', '`x`@ann`y`', '`x` `@ann` `y`'],
  ['an address of mail', 'write to ann@example.com', 'write to ann@example.com'],
  ['a closing word', 'Fixes #12, closes owner/repo#3', 'Fixes `#12`, closes owner/repo`#3`'],
  ['a closing word in a comment', '<!-- Fixes #12 -->', '`<!--` Fixes `#12` -->'],
  ['an issue by its address', 'Fixes https://github.com/o/r/issues/1.', 'Fixes `https://github.com/o/r/issues/1`.'],
  [
    'an issue behind a link',
    'Fixes [it](https://github.com/o/r/issues/1)',
    'Fixes [it] (`https://github.com/o/r/issues/1`)'
  ],
  [
    'an issue behind an autolink',
    '<https://gitlab.example/g/p/-/issues/1>',
    '<`https://gitlab.example/g/p/-/issues/1`>'
  ],
  ['a closing word in a span of code', '`Fixes #12`', 'ˋFixes `#12`ˋ'],
  ['a closing word in a block of code', '```\nFixes #12\n```', '```\nFixes `#12`\n```'],
  ['issues of Jira', 'Closes ABC-1, ABC-2 and ABC-3.', 'Closes `ABC-1, ABC-2 and ABC-3`.'],
  ['an address that ends in a closing word', 'https://e.example/#closes: ABC-6', '`https://e.example/#closes`: ABC-6'],
  ['a number of GitHub', 'see GH-12', 'see `GH-12`'],
  ['a merge request', 'see !12 and &3', 'see `!12` and `&3`', ['gitlab']],
  ['an issue in what is none', 'see [a:[issue:12]', 'see [a:`[issue:12]`', ['gitlab']],
  ['a table in a quotation', '> a|`b|c`\n> -|-', '> a|`b|c`\n`> -|-`'],
  ['a pull request of Forgejo', 'see !12', 'see `!12`', ['forgejo']],
  ['a typed reference', 'see [issue:12]', 'see `[issue:12]`', ['gitlab']],
  ['a command', '/merge', '`/merge`'],
  ['a command with hyphens', '/ok-to-test', '`/ok-to-test`'],
  ['no command', '/usr/bin', '/usr/bin'],
  ['what skips the tests', 'Fast [Skip CI] [ci skip]', 'Fast [`Skip CI`] [`ci skip`]'],
  ['what skips the tests in a span of code', '`[skip ci]`', 'ˋ[`skip ci`]ˋ'],
  ['what skips the tests in a block of code', '```\n[no ci]\n```', '```\n[`no ci`]\n```'],
  ['what skips the tests as an image', '![skip ci](x)', '`!`[`skip ci`](x)'],
  ['what skips the tests as a line', 'skip-checks: true', '`skip-checks`: true'],
  ['a command with arguments', ' /assign @ann', ' `/assign` `@ann`'],
  ['a command in a block of code', '~~~\n/approve\n~~~', '~~~\n`/approve`\n~~~'],
  ['a path', '/usr/bin/env is called', '/usr/bin/env is called'],
  ['an image', 'so: ![a](https://e.example/x?y)', 'so: `![a](https://e.example/x?y)`'],
  ['an image by reference', '![a][b]', '`![a][b]`'],
  ['an image behind a link', '[![a](b)](c)', '[`![a](b)`](c)'],
  ['an image with code in it', '![`a`](b)', '`!`[`a`](b)'],
  ['the address of an image', 'https://e.example/x.PNG?y', '`https://e.example/x.PNG?y`'],
  ['where a link leads', '[a]: https://e.example', '[a] : https://e.example'],
  ['where a link leads, in a list', '- [x]: https://e.example', '- [x] : https://e.example'],
  ['a footnote', '[^1]: so', '[^1]: so'],
  ['a tag', 'a <b onclick="x">c</b>', 'a `<b onclick="x">`c`</b>`'],
  ['a tag whose end is elsewhere', '<img src=x', '`<img src=x`'],
  ['a comment', '<!-- @ann', '`<!-- @ann`'],
  ['a type', 'Map<string, number> and Array<string>', 'Map<string, number> and Array`<string>`'],
  ['less than', 'if a < b and c<d', 'if a < b and c`<d`'],
  ['code behind an address', 'https://e.example/`<b>` and https://@ann', 'https://e.example/ `<b>` and `https://@ann`'],
  ['two in a row', '@ann@bob', '`@ann` `@bob`'],
  ['a link', 'see [a](https://e.example/@scope/b#12)', 'see [a](https://e.example/@scope/b#12)'],
  ['code', 'use `@Override` and `<b>`', 'use `@Override` and `<b>`'],
  ['a block of code', '```js\nimport x from "@scope/x" // #12\n```', '```js\nimport x from "@scope/x" // #12\n```'],
  ['what is behind a language', '```json:table\n{}\n```', '```json\n{}\n```'],
  ['a block of code that is open', '```\nx', '```\nx\n```'],
  ['a block of code that just began', '```js\n', '```js\n```'],
  ['a backtick that is alone', 'a ` b\nc ` @ann', 'a ˋ b\nc ˋ `@ann`'],
  ['a backtick behind an escape', '\\`@ann`', 'ˋ`@ann`ˋ'],
  ['code with a bar', 'from `a | b` to `c`', 'from `a | b` to `c`'],
  ['code over cells of a table', '|a|b|\n|-|-|\n| `a | @ann` |', '|a|b|\n|-|-|\n| ˋa | `@ann`ˋ |'],
  ['code over cells of its header', '| `a | @b` |\n|-|-|', '| `a | @b` |\n`|-|-|`'],
  ['a block of code that a list ends', '- a\n  ```\n  b\n@ann', '- a\n  ```\n  b\n  ```\n`@ann`'],
  ['a block of code deep in a list', '1. a\n     ```\n     @ann\n     ```', '1. a\n     ```\n     `@ann`\n     ```'],
  ['a longer end of a block', '```\nx\n`````\n@ann', '```\nx\n```\n`@ann`'],
  ['a quotation that ends everything', '>>>\n```\n>>>', '`>>>`\n```\n>>>\n```', ['gitlab']],
  ['front matter', '---\n@ann', '`---`\n`@ann`', ['gitlab']],
  ['a task', '- [ ] a\n- [x] b', '- [ ] a\n- [x] b'],
  ['headings', '# What\n\n## Why', '# What\n\n## Why'],
  ['what hides', 'a\u202eb\u0000\r\n/mer\u0007ge', 'ab\n`/merge`'],
  ['a mark of the writer in code', '```\n<!-- longwire:end -->\n```', '```\n<! -- longwire:end -->\n```']
]

function casesOf(site: SiteName): (readonly [string, string, string])[] {
  return CASES.filter(([, , , sites = NAMES]) => sites.includes(site)).map(([name, text, neutral]) => [
    name,
    text,
    neutral
  ])
}

describe.each(NAMES)('on %s', (site) => {
  test.each(casesOf(site))('%s', (_name, text, neutral) => {
    const result = neutralise(text, site)
    expect(result.text).toBe(neutral)
    expect(actsOf(result.text, site)).toEqual([])
  })

  test('what is harmless already stays as it is', () => {
    for (const [, text] of CASES) {
      const once = neutralise(text, site).text
      expect(neutralise(once, site).text).toBe(once)
    }
  })

  test('whatever a text is made of, nothing in it acts', () => {
    fc.assert(
      fc.property(HOSTILE, (text) => {
        const neutral = neutralise(text, site).text
        expect(actsOf(neutral, site), JSON.stringify(neutral)).toEqual([])
      }),
      { numRuns: times(3000, 1000) }
    )
  })

  test('a text that goes on keeps the lines that are whole', () => {
    fc.assert(
      fc.property(HOSTILE, fc.nat(), (text, at) => {
        const beginning = text.slice(0, at % (text.length + 1))
        // What is whole so far, as it is once a line behind it has begun.
        const lines = wholeLines(beginning)
        const kept = neutralise(beginning, site).text.split('\n').slice(0, lines)
        expect(neutralise(text, site).text.split('\n').slice(0, lines)).toEqual(kept)
      }),
      { numRuns: times(1000, 300) }
    )
  })
})

/** How many lines of the result are certain: those in front of the last, and an indented block may be closed in front of it. */
function wholeLines(beginning: string): number {
  return beginning.replace(/\r\n?|[\u2028\u2029\u0085\v\f]/g, '\n').split('\n').length - 1
}

test('the writer’s own oracle finds what acts', () => {
  for (const text of [
    '@ann',
    '#12',
    'Fixes #1',
    '/merge',
    '[skip ci]',
    '![a](b)',
    '<b>',
    '[a]: b',
    '```',
    '~~~\n`x`'
  ]) {
    for (const site of NAMES) expect(actsOf(text, site), text).not.toEqual([])
  }
})

test('a long line without an end is read in time that grows with it', () => {
  // Each of these made some pattern look again from each of its characters.
  for (const unit of ['a', '1', ' ', '[', '![a', 'a/', '@', '`', '<a ', '.', '-', 'Fixes ', 'A1', '\\', '&#1']) {
    for (const site of NAMES) expect(neutralise(unit.repeat(20_000), site).text.length).toBeGreaterThan(0)
  }
})

test.each([
  ['blanks and cells', `${' '.repeat(5_000)}${'|'.repeat(5_000)}x`],
  ['an address and its stops', `https://e.example/${'.'.repeat(300_000)}x`],
  ['front matter and blanks', `---${' '.repeat(300_000)}x y`],
  ['references in references', '[a:'.repeat(200_000)]
])('a long line of %s is read in such time too', (_, line) => {
  for (const site of NAMES)
    expect(neutralise(line, site)).toMatchObject({ text: expect.stringContaining(line.at(-1) as string) })
})

const FRAGMENTS = [
  ...[
    '@ann',
    '@org/team',
    '@',
    '@all',
    '@{1:2}',
    'Fixes ',
    'closes: ',
    'issue ',
    '#12',
    '#',
    '12',
    '!3',
    '&4',
    'GH-5',
    'ABC-6'
  ],
  ...[
    'owner/repo#7',
    'https://github.com/o/r/issues/8',
    'https://e.example/x.png',
    'https://e.example/@b',
    'www.e.example/@b'
  ],
  ...[
    'https://',
    '/issues/9',
    '`',
    '``',
    '```',
    '````',
    '~~~',
    '\n',
    '\n',
    '\n\n',
    ' ',
    '  ',
    '    ',
    '\t',
    '- ',
    '1. ',
    '> ',
    '>>>'
  ],
  ...[
    '|',
    '| a | b |\n|---|---|\n',
    '\\',
    '\\\\',
    '[',
    ']',
    '](',
    ')',
    '(',
    ']:',
    '!',
    '![',
    '<img src=x>',
    '<',
    '>',
    '<!--',
    '-->'
  ],
  ...[
    '<https://e.example/@c>',
    '&#64;',
    '&num;',
    '*',
    '**',
    '_',
    '/merge',
    '[skip ci]',
    'skip-checks:',
    'true',
    '/',
    '---',
    '+++',
    '$',
    '"',
    "'",
    'a',
    '\r',
    ':',
    '-',
    '='
  ]
]
const HOSTILE = fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 24 }).map((parts) => parts.join(''))
