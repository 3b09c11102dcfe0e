import { expect, test } from 'vitest'
import { parseDiff } from '../../../src/shared/unified-diff'
import { asUnified } from '../../../src/writer/diff/file-lists'

const seen = (form: 'gitlab-json' | 'github-files', body: unknown) =>
  parseDiff(asUnified(form, body) as string).files.map(({ path, oldPath, status, added, deleted }) => [
    path,
    oldPath,
    status,
    added,
    deleted
  ])

const gitlab = (fields: Record<string, unknown>) => ({
  old_path: 'a b',
  new_path: 'a b',
  new_file: false,
  renamed_file: false,
  deleted_file: false,
  collapsed: false,
  too_large: false,
  diff: '@@ -1 +1 @@\n-x\n+y\n',
  ...fields
})

test("GitLab's list reads as a diff", () => {
  const list = [
    gitlab({}),
    gitlab({
      new_path: 'new',
      old_path: 'new',
      new_file: true,
      diff: '@@ -0,0 +1 @@\n+y\n\\ No newline at end of file'
    }),
    gitlab({ new_path: 'gone', old_path: 'gone', deleted_file: true, diff: '@@ -1 +0,0 @@\n-y\n' }),
    gitlab({ new_path: 'to', old_path: 'from', renamed_file: true, diff: '' }),
    gitlab({ new_path: 'q"\n', old_path: 'q"\n' })
  ]
  expect(seen('gitlab-json', list)).toEqual([
    ['a b', 'a b', 'modified', 1, 1],
    ['new', 'new', 'added', 1, 0],
    ['gone', 'gone', 'deleted', 0, 1],
    ['to', 'from', 'renamed', 0, 0],
    ['q"\n', 'q"\n', 'modified', 1, 1]
  ])
})

test("GitLab's comparison has the same list inside, and names of its own with `unidiff`", () => {
  const diff = '--- a/a b\n+++ b/a b\n@@ -1 +1 @@\n-x\n+y\n'
  expect(seen('gitlab-json', { commit: {}, diffs: [gitlab({ diff })] })).toEqual([['a b', 'a b', 'modified', 1, 1]])
})

test('a file whose lines GitLab leaves out says so', () => {
  const text = asUnified('gitlab-json', [gitlab({ diff: '', too_large: true }), gitlab({ diff: '', collapsed: true })])
  expect(text).toContain('GitLab shows no lines of this file: it is too large\n')
  expect(text).toContain('GitLab shows no lines of this file: it is collapsed\n')
})

test("GitHub's list reads as a diff, and a file without lines says how many there are", () => {
  const list = [
    { filename: 'a', status: 'modified', additions: 1, deletions: 1, patch: '@@ -1 +1 @@\n-x\n+y' },
    { filename: 'n', status: 'added', additions: 1, deletions: 0, patch: '@@ -0,0 +1 @@\n+y' },
    { filename: 'd', status: 'removed', additions: 0, deletions: 1, patch: '@@ -1 +0,0 @@\n-y' },
    { filename: 'to', previous_filename: 'from', status: 'renamed', additions: 0, deletions: 0 },
    { filename: 'large', status: 'modified', additions: 9000, deletions: 3 }
  ]
  expect(seen('github-files', list)).toEqual([
    ['a', 'a', 'modified', 1, 1],
    ['n', 'n', 'added', 1, 0],
    ['d', 'd', 'deleted', 0, 1],
    ['to', 'from', 'renamed', 0, 0],
    ['large', 'large', 'modified', 0, 0]
  ])
  expect(asUnified('github-files', list)).toContain('GitHub shows no lines of this file: +9000 -3\n')
})

test.each([null, 'text', 7, {}, { message: '404' }, [1], [{}], [{ filename: 7 }], { diffs: {} }])(
  '%j is no list of files',
  (body) => {
    expect(asUnified('gitlab-json', body)).toBeNull()
    expect(asUnified('github-files', body)).toBeNull()
  }
)
