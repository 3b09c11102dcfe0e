// The answer on its way into the editor.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PacedText, RENDER_GRACE_MS, SHOW_EVERY_MS } from '../../src/writer/run/paced-text'
import { FakeEditor } from './fake-editor'

let editor: FakeEditor | null
let gone: number
let counts: number[]
let text: PacedText

beforeEach(() => {
  vi.useFakeTimers()
  editor = new FakeEditor()
  gone = 0
  counts = []
  text = new PacedText({
    find: () => editor,
    replace: true,
    neutralise: (raw) => ({ text: raw.replaceAll('/merge', '`/merge`'), count: raw.split('/merge').length - 1 }),
    neutralised: (count) => void counts.push(count),
    gone: () => {
      gone += 1
    },
    now: () => Date.now()
  })
})

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

test('the first word is shown at once and the rest at most every 100 ms', () => {
  text.add('a')
  expect(editor?.shown).toEqual(['a'])
  for (const added of 'bcd') text.add(added)
  expect(editor?.shown).toEqual(['a'])
  vi.advanceTimersByTime(SHOW_EVERY_MS - 1)
  expect(editor?.shown).toEqual(['a'])
  vi.advanceTimersByTime(1)
  expect(editor?.shown).toEqual(['a', 'abcd'])
  vi.advanceTimersByTime(10 * SHOW_EVERY_MS)
  expect(editor?.shown).toEqual(['a', 'abcd'])
  text.finish()
})

test('the end shows what was waiting, and closes the step of undo once', () => {
  text.add('a')
  text.add('b')
  expect(text.finish()).toBe(true)
  expect(text.finish()).toBe(true)
  text.add('c')
  expect([editor?.shown, editor?.finished]).toEqual([['a', 'ab'], 1])
})

test('where nothing came nothing is begun', () => {
  expect(text.finish()).toBe(true)
  expect(editor?.begun).toBe(0)
})

test('what a person agreed to holds for the editor that they saw, not for one that was made anew', () => {
  const first = editor
  text.add('a')
  if (first !== null) first.there = false
  editor = new FakeEditor()
  text.add('b')
  text.finish()
  expect([first?.replace, editor.replace]).toEqual([true, false])
})

test('what is shown is harmless, and counted', () => {
  text.add('see /merge')
  text.finish()
  expect(editor?.shown).toEqual(['see `/merge`'])
  expect(counts.at(-1)).toBe(1)
  expect(text.text).toBe('see `/merge`')
})

test('an editor that the site made anew is found again, and gets all of it', () => {
  const first = editor as FakeEditor
  text.add('a')
  first.there = false
  editor = null
  text.add('b')
  vi.advanceTimersByTime(2 * SHOW_EVERY_MS)
  const second = new FakeEditor()
  editor = second
  vi.advanceTimersByTime(SHOW_EVERY_MS)
  expect([first.shown, second.shown]).toEqual([['a'], ['ab']])
  expect(text.finish()).toBe(true)
  expect([first.finished, second.finished, gone]).toEqual([0, 1, 0])
})

test('one that is made anew once more is not followed', () => {
  for (const each of ['a', 'b', 'c']) {
    text.add(each)
    vi.advanceTimersByTime(SHOW_EVERY_MS)
    ;(editor as FakeEditor).there = false
    editor = new FakeEditor()
  }
  expect([gone, editor?.shown]).toEqual([1, []])
  expect(text.text).toBe('abc')
})

test('one that does not come back is waited for a while, and the text is kept', () => {
  text.add('a')
  editor = null
  text.add('b')
  vi.advanceTimersByTime(RENDER_GRACE_MS + SHOW_EVERY_MS - 1)
  expect(gone).toBe(0)
  vi.advanceTimersByTime(SHOW_EVERY_MS)
  expect(gone).toBe(1)
  expect(text.finish()).toBe(false)
  expect(text.text).toBe('ab')
})

test('at the end there is no waiting for it', () => {
  text.add('a')
  editor = null
  text.add('b')
  expect(text.finish()).toBe(false)
  expect(gone).toBe(0)
})

test('an element that is still there is not written in when the page is about something else', () => {
  const first = editor as FakeEditor
  text.add('a')
  editor = null
  text.add('b')
  vi.advanceTimersByTime(RENDER_GRACE_MS + 2 * SHOW_EVERY_MS)
  expect(first.shown).toEqual(['a'])
})

test('what is dropped is never shown again', () => {
  text.add('a')
  text.add('b')
  text.drop()
  vi.advanceTimersByTime(10 * SHOW_EVERY_MS)
  expect([editor?.shown, editor?.finished]).toEqual([['a'], 0])
})
