import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { belowTheirs, found, holdsTheirs, regionOf } from '../../../src/writer/editors/region'

const BEGIN = '<!-- longwire:begin -->'
const END = '<!-- longwire:end -->'

/** What stands there once `text` is written. */
function write(standing: string, text: string): string {
  const { before, lead, trail, after } = regionOf(standing, null)
  return before + lead + text + trail + after
}

test.each([
  ['nothing', '', 'new'],
  ['blank lines', '\n\n', '\n\nnew'],
  ['a template', 'old', 'old\n\nnew'],
  ['a template with its line end', 'old\n', 'old\n\nnew'],
  ['a template with a blank line', 'old\n\n', 'old\n\nnew'],
  ['markers on lines of their own', `a\n${BEGIN}\nold\n${END}\nb`, `a\n${BEGIN}\nnew\n${END}\nb`],
  ['markers with nothing between', `${BEGIN}\n${END}`, `${BEGIN}\nnew\n${END}`],
  ['markers on one line', `${BEGIN}${END}`, `${BEGIN}\nnew\n${END}`],
  ['markers on one line with something between', `${BEGIN} old ${END}`, `${BEGIN}\nnew\n${END}`],
  ['a first marker alone', `${BEGIN}\nold`, `${BEGIN}\nold\n\nnew`],
  ['markers in the wrong order', `${END}\n${BEGIN}`, `${END}\n${BEGIN}\n\nnew`]
])('%s', (_name, standing, written) => {
  expect(write(standing, 'new')).toBe(written)
})

test('between markers it can be written again and again', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.constantFrom('', '\n', ' old ', '\nold\n'), (text, next, between) => {
      const standing = `a${BEGIN}${between}${END}b`
      expect(write(write(standing, text), next)).toBe(write(standing, next))
    })
  )
})

test('what stood there is a part of what stands there then, whatever it was', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (standing, text) => {
      const { before, between, after } = regionOf(standing, null)
      expect(before + between + after).toBe(standing)
      expect(write(standing, text).startsWith(standing)).toBe(true)
    })
  )
})

describe('to write again', () => {
  const last = { before: 'old', whole: '\n\nnew', after: '' }

  test.each([
    ['as it was left', 'old\n\nnew', 'old', ''],
    ['something above was changed', 'older\n\nnew', 'older', ''],
    ['something was put below', 'old\n\nnew\n\nmine', 'old', '\n\nmine'],
    ['what was written was changed', 'old\n\nnewer', 'old', '']
  ])('%s', (_name, standing, before, after) => {
    const region = regionOf(standing, last)
    expect([region.before, region.after, region.lead]).toEqual([before, after, '\n\n'])
  })

  test('what was written is gone: below', () => {
    expect(regionOf('other', last).before).toBe('other')
  })

  test('what stands there twice is not the writer’s', () => {
    expect(found(last, 'a\n\nnew\n\nnew b')).toBeNull()
  })
})

describe('words that the writer did not write', () => {
  const last = { before: `${BEGIN}\n`, whole: 'new\n', after: END }
  const below = { before: 'a', whole: '\n\nnew', after: '' }

  test.each([
    ['between markers, before it wrote', `${BEGIN}\nold\n${END}`, null, true],
    ['nothing between markers', `${BEGIN}\n \n${END}`, null, false],
    ['between markers, as it wrote', `${BEGIN}\nnew\n${END}`, last, false],
    ['between markers, changed since', `${BEGIN}\nnewer\n${END}`, last, true],
    ['between markers, and a line more', `${BEGIN}\nnew\n\n${END}`, last, false],
    ['a template, which stays', 'a', null, false],
    ['below a template, as it wrote', 'a\n\nnew', below, false],
    ['below a template, changed since', 'a\n\nnewer', below, true],
    ['below a template, taken back', 'a', below, false]
  ])('%s', (_name, standing, written, theirs) => {
    expect(holdsTheirs(regionOf(standing, written), written)).toBe(theirs)
  })

  test.each([
    ['on lines of their own', `${BEGIN}\nold\n${END}`, `${BEGIN}\nold\n\nnew\n${END}`],
    ['on one line', `${BEGIN}old${END}`, `${BEGIN}old\n\nnew\n${END}`]
  ])('stay between the markers, above the text: %s', (_name, standing, kept) => {
    const { before, lead, trail, after } = belowTheirs(regionOf(standing, null))
    expect(`${before}${lead}new${trail}${after}`).toBe(kept)
  })
})
