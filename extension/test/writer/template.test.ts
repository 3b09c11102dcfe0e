import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DEFAULT_TEMPLATE,
  FIELD_NAMES,
  fieldsOf,
  fillTemplate,
  parseTemplate,
  SAMPLE_FIELDS,
  statsText,
  TemplateError,
  type TemplateFields
} from '../../src/writer/template'

interface Vector {
  readonly name: string
  readonly template: string
  readonly fields: Partial<TemplateFields>
  readonly prompt: string
}

const VECTORS: readonly Vector[] = JSON.parse(
  readFileSync(new URL('../../../tests/vectors/templates.json', import.meta.url), 'utf8')
)

test.each(VECTORS)('as the host: $name', ({ template, fields, prompt }) => {
  expect(fillTemplate(template, { ...SAMPLE_FIELDS, ...fields })).toBe(prompt)
})

test('the default takes every field, once', () => {
  const names = parseTemplate(DEFAULT_TEMPLATE).flatMap((part) => ('field' in part ? [part.field] : []))
  expect(names.toSorted()).toEqual([...FIELD_NAMES].sort())
})

test('in the default nothing stands behind the diff, which therefore cannot end it', () => {
  expect(DEFAULT_TEMPLATE.trimEnd().endsWith('{DIFF}')).toBe(true)
})

test('the sample fills the default', () => {
  const prompt = fillTemplate(DEFAULT_TEMPLATE, SAMPLE_FIELDS)
  for (const value of Object.values(SAMPLE_FIELDS)) expect(prompt).toContain(value)
})

describe('a template that cannot be filled', () => {
  test.each([
    ['{DIFF} {TITEL}', 'TITEL', 'The template has {TITEL}, which is no field: it may have {TITLE}, '],
    ['{DIFF} {CONSTRUCTOR}', 'CONSTRUCTOR', 'which is no field'],
    ['Describe {TITLE}', 'DIFF', 'The template has no {DIFF}']
  ])('%s', (template, field, text) => {
    const failure = (() => {
      try {
        return parseTemplate(template)
      } catch (error) {
        return error
      }
    })()
    expect(failure).toBeInstanceOf(TemplateError)
    expect(failure).toMatchObject({ field, message: expect.stringContaining(text) })
  })
})

test('what is put in is never read again', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (diff, why) => {
      const fields = { ...SAMPLE_FIELDS, DIFF: `{WHY}${diff}{DIFF}`, WHY: `${why}{DIFF}$&$1` }
      expect(fillTemplate('<{WHY}|{DIFF}>', fields)).toBe(`<${fields.WHY}|${fields.DIFF}>`)
    })
  )
})

test('fields are what the pull request has, and the person said', () => {
  const stats = { files: 1, added: 1, deleted: 2, bytes: 9 }
  const pullRequest = { title: 't', source: 's', target: 'm', author: 'a', diff: 'd', stats }
  expect(fieldsOf(pullRequest, { language: 'Deutsch', why: 'w' })).toEqual({
    TITLE: 't',
    SOURCE: 's',
    TARGET: 'm',
    AUTHOR: 'a',
    DIFF: 'd',
    STATS: '1 file, 1 line added, 2 deleted',
    LANGUAGE: 'Deutsch',
    WHY: 'w'
  })
  expect(statsText({ files: 2, added: 0, deleted: 0, bytes: 0 })).toBe('2 files, 0 lines added, 0 deleted')
})
