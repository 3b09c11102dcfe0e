import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inPath, isRef, projectOf } from '../../../src/writer/sites/names'

test.each([
  ['ann/tool', 'ann/tool'],
  ['group/sub/group/tool', 'group/sub/group/tool'],
  ['ann/.github', 'ann/.github'],
  ['%7B4f1a-2b%7D/tool', '{4f1a-2b}/tool'],
  ['ann', null],
  ['ann/..', null],
  ['ann/.', null],
  ['ann/%2e%2e', null],
  ['ann/a%2fb', null],
  ['ann%2Ftool', null],
  ['ann/%00', null],
  ['ann/a b', null],
  ['ann/%', null],
  ['ann/tool?x', null],
  ['ann//tool', null]
])('the project of %s', (path, project) => {
  expect(projectOf(path)).toBe(project)
})

test.each([
  'main',
  'feature/x',
  'release-1.2',
  'ü/日本',
  'a@b',
  '#12',
  'ann:main',
  'ann:tool:feature/x',
  'ann/fork:main',
  '{4f1a}/fork:main',
  '12:main',
  'HEAD',
  '0a1b2c3d'
])('%s is a ref', (text) => {
  expect(isRef(text)).toBe(true)
})

test.each([
  '',
  '..',
  'a..b',
  '../../repos/x',
  'x/../../y',
  '.hidden',
  'a/.b',
  'a//b',
  '/a',
  'a/',
  'a.',
  'a.lock',
  'a.lock/b',
  'a b',
  'a?b',
  'a*',
  'a[b',
  'a\\b',
  'a~1',
  'a^',
  'a\nb',
  'a\x7f',
  'a@{1}',
  '-x',
  '..:main',
  '../..:main',
  'ann:',
  'ann:..',
  'a:b:c:d'
])('%j is none', (text) => {
  expect(isRef(text)).toBe(false)
})

test('what passes does not climb, however it is put into a path', () => {
  const unit = fc.constantFrom('.', '/', ':', 'a', '%', '2', 'e', '\\', '?', '#', '@')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 12 }), (text) => {
      if (!isRef(text)) return
      for (const path of [inPath(text), encodeURIComponent(text)]) {
        expect(new URL(`https://x.example/one/two/${path}`).pathname).toBe(`/one/two/${path}`)
      }
    }),
    { numRuns: 5000 }
  )
})
