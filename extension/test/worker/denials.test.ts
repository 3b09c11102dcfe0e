import { expect, test } from 'vitest'
import { Denials, MAX_TABS } from '../../src/worker/denials'

const denied = { method: 'GET', url: 'https://api.example.com/' }

test('the last one of a tab counts, for the origin that was refused', () => {
  const denials = new Denials()
  denials.note(1, 'https://a.example', denied)
  denials.note(1, 'https://b.example', { ...denied, method: 'POST' })
  expect(denials.of(1, 'https://b.example')).toEqual({ ...denied, method: 'POST' })
  expect(denials.of(1, 'https://a.example')).toBeNull()
  expect(denials.of(2, 'https://b.example')).toBeNull()
})

test.each([0, 1])('%d tabs over the limit', (over) => {
  const denials = new Denials()
  for (let tab = 0; tab < MAX_TABS + over; tab++) denials.note(tab, 'https://a.example', denied)
  expect(denials.of(0, 'https://a.example')).toEqual(over === 0 ? denied : null)
  expect(denials.of(MAX_TABS + over - 1, 'https://a.example')).toEqual(denied)
})
