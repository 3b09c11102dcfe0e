import { afterAll, expect, test } from 'vitest'
import { diffStats } from '../../src/shared/diff-stats'
import { Repository } from './git'

const repository = new Repository()
afterAll(() => repository.dispose())

test('files, lines and bytes are those of git', () => {
  const before = repository.commit({ a: 'x\ny\n', moved: 'one\ntwo\nthree\n', picture: new Uint8Array([0, 1]) })
  const after = repository.commit({
    a: { link: 'b' },
    elsewhere: 'one\ntwo\nthree\n4\n',
    picture: new Uint8Array([0, 2])
  })
  const text = repository.git('diff', before, after)
  const [, files, added, deleted] =
    /(\d+) files? changed, (\d+) insertions?\(\+\), (\d+) deletions?/.exec(
      repository.git('diff', '--shortstat', before, after)
    ) ?? []
  expect(diffStats(text)).toEqual({
    files: Number(files),
    added: Number(added),
    deleted: Number(deleted),
    bytes: Buffer.byteLength(text)
  })
})

test('a file that two commits of a series change is one', () => {
  const commits = ['x\n', 'y\n', 'z\n'].map((a) => repository.commit({ a }))
  const series = commits.slice(1).map((commit) => repository.git('show', '--format=', commit))
  expect(diffStats(series.join(''))).toMatchObject({ files: 1, added: 2, deleted: 2 })
})

test('of nothing there is nothing', () => {
  expect(diffStats('')).toEqual({ files: 0, added: 0, deleted: 0, bytes: 0 })
})
