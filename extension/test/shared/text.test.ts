// Somebody else's text, as it is shown; and the ring that what is shown is kept in.

import { expect, test } from 'vitest'
import { Ring } from '../../src/shared/ring'
import { visible, visibleLines } from '../../src/shared/text'

test.each([
  ['plain text, Grüße, 日本語, 👩‍💻', 'plain text, Grüße, 日本語, 👩‍💻'],
  ['<b onclick=x>&amp;', '<b onclick=x>&amp;'],
  ['a\u202eb\u2066c', 'a\\u{202e}b\\u{2066}c'],
  ['\u001b[31m\u0000\u007f\u009b', '\\u{1b}[31m\\u{0}\\u{7f}\\u{9b}'],
  ['zero\u200bwidth\ufeff\u00ad', 'zero\\u{200b}width\\u{feff}\\u{ad}'],
  ['line\nline\ttab\u2028', 'line\\u{a}line\\u{9}tab\\u{2028}'],
  ['half \ud800 of a pair', 'half \\u{d800} of a pair'],
  ['tag \u{e0041} and own \u{f0000}', 'tag \\u{e0041} and own \\u{f0000}']
])('%j is shown as %j', (text, shown) => expect(visible(text)).toBe(shown))

test('lines stay lines where there may be several', () => {
  expect(visibleLines('a\n\tb\r\u202ec')).toBe('a\n\tb\\u{d}\\u{202e}c')
})

test('a ring has the newest, so many and so many bytes of them', () => {
  const ring = new Ring<number>({ count: 100, bytes: 1_000 })
  for (let i = 0; i < 10_000; i++) ring.add(i, 1)
  expect([ring.length, ring.at(0), ring.at(99), ring.at(100), ring.bytes]).toEqual([100, 9_900, 9_999, undefined, 100])
  expect([...ring].slice(0, 2)).toEqual([9_900, 9_901])
  expect(ring.add(1, 990)).toBe(90)
  expect([ring.length, ring.bytes]).toEqual([11, 1_000])
  // Larger than all of it: it holds nothing.
  ring.add(2, 1_001)
  expect([ring.length, ring.bytes]).toEqual([0, 0])
  ring.clear()
  expect(ring.add(3, 4)).toBe(0)
  expect([...ring]).toEqual([3])
})
