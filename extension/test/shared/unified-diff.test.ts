import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { DiffReader, parseDiff, utf8Length } from '../../src/shared/unified-diff'
import { wholeOf } from '../../src/writer/diff/shrink'
import { times } from '../effort'
import { type Content, numstat, Repository, type Tree } from './git'

const repository = new Repository()
afterAll(() => repository.dispose())

/** The real git's diff of two trees, parsed, and the paths and counts that it says itself. */
function compared(before: Tree, after: Tree, ...options: string[]) {
  const range = [repository.commit(before), repository.commit(after)]
  const text = repository.git('diff', ...options, ...range)
  return { text, diff: parseDiff(text), counts: numstat(repository, ...range) }
}

const LINES = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n'

const CASES: Readonly<Record<string, readonly [Tree, Tree]>> = {
  'a changed line': [{ a: LINES }, { a: LINES.replace('two', '2') }],
  'an added and a deleted file': [{ a: LINES }, { b: 'new\n' }],
  'an empty file': [{ a: 'x\n' }, { a: 'x\n', empty: '' }],
  'a renamed file with a change': [{ 'old name': LINES }, { 'new name': LINES.replace('ten', '10') }],
  'a renamed file without a change': [{ 'dir/a b': LINES }, { 'dir/b b/c': LINES }],
  'no newline at the end': [{ a: 'x\ny' }, { a: 'x\nz' }],
  'lines that end in CRLF': [{ a: 'x\r\ny\r\n' }, { a: 'x\r\nz\r\n' }],
  'a lone CR inside a line': [{ a: 'x\n' }, { a: 'p\rq\nx\n' }],
  'lines that look like a header': [
    { a: '-- a/x\n++ b/x\ndiff --git a/q b/q\n' },
    { a: '++ b/y\n-- a/y\ndiff --git a/r b/r\n@@ -1 +1 @@\n' }
  ],
  'a name that is no ASCII': [{}, { 'größe/日本語.txt': 'x\n' }],
  'a name with a quote, a tab and a backslash': [{}, { 'a"b\tc\\d': 'x\n' }],
  'a quoted name that is renamed': [{ 'ü old': LINES }, { 'ü new': LINES }],
  'a name that ends in a blank': [{}, { 'blank ': 'x\n' }],
  'a file called like a prefix': [{ 'b/b': 'x\n' }, { 'b/b': 'y\n' }],
  'a binary file': [{ a: new Uint8Array([0, 1, 2]) }, { a: new Uint8Array([0, 1, 3]) }],
  'another mode': [{ a: 'x\n' }, { a: { program: 'x\n' } }],
  'a mode of a name with blanks': [{ 'a b c': 'x\n' }, { 'a b c': { program: 'x\n' } }],
  'a file that becomes a link': [{ a: 'x\n' }, { a: { link: 'b' } }],
  nothing: [{ a: 'x\n' }, { a: 'x\n' }]
}

test.each(Object.entries(CASES))('%s: paths and lines are what git counts', (_, [before, after]) => {
  const { text, diff, counts } = compared(before, after)
  const read = new Map<string, readonly [number, number] | null>()
  for (const { path, added, deleted, binary } of diff.files) {
    const [a, d] = read.get(path) ?? [0, 0]
    read.set(path, binary ? null : [a + added, d + deleted])
  }
  expect(read).toEqual(counts)
  expect(wholeOf(diff)).toBe(text)
  expect(diff.bytes).toBe(Buffer.byteLength(text))
})

test('what happened to a file is told', () => {
  const { diff } = compared(
    { gone: 'x\ny\n', moved: LINES, same: 'x\n' },
    { came: 'p\n', elsewhere: LINES, same: 'y\n' }
  )
  expect(diff.files.map(({ path, oldPath, status }) => [path, oldPath, status])).toEqual([
    ['came', 'came', 'added'],
    ['elsewhere', 'moved', 'renamed'],
    ['gone', 'gone', 'deleted'],
    ['same', 'same', 'modified']
  ])
})

test.each(['--no-prefix', '--src-prefix=i/ --dst-prefix=w/'])('other prefixes of names: %s', (options) => {
  const { diff } = compared({ 'a/a': 'x\n' }, { 'a/a': 'y\n', 'a/b': '' }, ...options.split(' '))
  expect(diff.files.map(({ path }) => path)).toEqual(['a/a', 'a/b'])
})

test('a copy names what it was copied from', () => {
  const { diff } = compared({ a: LINES }, { a: `${LINES}x\n`, b: LINES }, '--find-copies-harder', '-C')
  expect(diff.files.map(({ path, oldPath, status }) => [path, oldPath, status])).toEqual([
    ['a', 'a', 'modified'],
    ['b', 'a', 'copied']
  ])
})

test("a merge's combined diff counts what is new or gone in any column", () => {
  repository.commit({ a: LINES })
  repository.git('checkout', '--quiet', '-b', 'side')
  repository.commit({ a: LINES.replace('two', 'side'), b: 'b\n' })
  repository.git('checkout', '--quiet', 'main')
  repository.commit({ a: LINES.replace('two', 'main'), b: 'b\n' })
  // The conflict is what is wanted.
  expect(() => repository.git('merge', '--quiet', 'side')).toThrow()
  repository.git('add', '--all')
  repository.git('commit', '--quiet', '--message', 'merge')
  const text = repository.git('show', '--cc', '--format=', 'HEAD')
  const diff = parseDiff(`${text}diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x\n+y\n`)
  expect(text).toContain('@@@')
  expect(diff.files.map(({ path, added, deleted }) => [path, added, deleted])).toEqual([
    // Three marks, and each side is new to the other.
    ['a', 5, 0],
    ['x', 1, 1]
  ])
})

test('a diff without git: names from the lines with a date', () => {
  const text =
    '--- old/x\t2026-01-01 00:00:00\n+++ old/x\t2026-01-02\n@@ -1 +1 @@\n-a\n+b\n--- y\n+++ y\n@@ -0,0 +1 @@\n+c\n'
  const { files } = parseDiff(text)
  expect(files.map(({ path, added, deleted }) => [path, added, deleted])).toEqual([
    ['old/x', 1, 1],
    ['y', 1, 0]
  ])
})

test("a commit's message before the first file is no file's", () => {
  const range = [repository.commit({ a: 'x\n' }), repository.commit({ a: 'y\n' })]
  const text = repository.git('format-patch', '--stdout', `${range[0]}..${range[1]}`)
  const diff = parseDiff(text)
  expect(diff.preamble).toContain('Subject: ')
  expect(diff.files.map(({ path, added, deleted }) => [path, added, deleted])).toEqual([['a', 1, 1]])
})

test('a hunk that somebody cut short does not swallow the next file', () => {
  const { files } = parseDiff(
    'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n-a\ndiff --git a/y b/y\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n'
  )
  expect(files.map(({ path, added, deleted }) => [path, added, deleted])).toEqual([
    ['x', 0, 1],
    ['y', 1, 1]
  ])
})

test('a context line that lost its blank is one', () => {
  const { files } = parseDiff('diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n')
  expect(files.map(({ added, deleted }) => [added, deleted])).toEqual([[1, 1]])
})

const name = fc.stringMatching(/^[a-c][ a-c"\\ü\t]{0,3}[a-c]$/)
const text = fc.array(
  fc.constantFrom('', 'x', 'y', '- z', '+++ b/a', '--- a/b', '@@ -1 +1 @@', 'ü\r', 'diff --git a/a b/a'),
  {
    maxLength: 12
  }
)
const content: fc.Arbitrary<Content> = fc
  .tuple(text, fc.boolean())
  .map(([lines, end]) => lines.join('\n') + (end ? '\n' : ''))
const tree = fc.dictionary(name, content, { maxKeys: 4 })

test('any two trees: paths and lines are what git counts, and nothing of the text is lost', () => {
  fc.assert(
    fc.property(tree, tree, (before, after) => {
      const { text: whole, diff, counts } = compared(before, after)
      const read = new Map(diff.files.map(({ path, added, deleted }) => [path, [added, deleted] as const]))
      expect(read).toEqual(counts)
      expect(wholeOf(diff)).toBe(whole)
    }),
    { numRuns: times(25, 8) }
  )
})

test('pieces cut anywhere read as the whole', () => {
  const { text: whole, diff } = compared(...(CASES['lines that look like a header'] as readonly [Tree, Tree]))
  fc.assert(
    fc.property(fc.array(fc.nat(whole.length)), (places) => {
      const reader = new DiffReader()
      const cuts = [0, ...places.sort((a, b) => a - b), whole.length]
      for (const [i, start] of cuts.slice(0, -1).entries()) reader.push(whole.slice(start, cuts[i + 1]))
      expect(reader.end()).toEqual(diff)
    })
  )
})

test('what is not kept is counted all the same', () => {
  const { text: whole, diff } = compared({ a: '' }, { a: 'x\n'.repeat(1000), b: 'y\n'.repeat(10) })
  const reader = new DiffReader({ file: 500, all: 700 })
  reader.push(whole)
  const kept = reader.end()
  const counts = ({ path, added, deleted, bytes }: (typeof kept.files)[number]) => [path, added, deleted, bytes]
  expect(kept.files.map(counts)).toEqual(diff.files.map(counts))
  expect(kept.bytes).toBe(diff.bytes)
  expect(kept.files.map((file) => file.whole)).toEqual([false, true])
  expect(wholeOf(kept).length).toBeLessThanOrEqual(700)
  // It is the beginning.
  expect(whole.startsWith(wholeOf({ ...kept, files: kept.files.slice(0, 1) }))).toBe(true)
})

test('bytes of UTF-8 are those of the encoder', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (any) => {
      expect(utf8Length(any)).toBe(new TextEncoder().encode(any).length)
    })
  )
  expect(utf8Length('\ud800x\udc00')).toBe(new TextEncoder().encode('\ud800x\udc00').length)
})
