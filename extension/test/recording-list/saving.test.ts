// What is said of a recording, and what its file is called.

import { expect, test } from 'vitest'
import { figuresOf, fileName } from '../../src/recording-list/saving'

test.each([
  [{ streams: 0, cost: 0, state: 'running' }, '0 streams · 0 B · recording'],
  [{ streams: 1, cost: 1234, state: 'stopped' }, '1 stream · 1.2 kB'],
  [{ streams: 3, cost: 67_000_000, state: 'full' }, '3 streams · 67 MB · full']
] as const)('%o', (kept, said) => {
  const figures = figuresOf({ ...kept, madeAt: '2026-12-01T03:04:00.123Z' })
  expect(figures.replace(/ · \d\d:04$/, '')).toBe(said)
})

test.each([
  ['https://app.example.com:8443', 'longwire-app.example.com-8443-2026-12-01-03-00-00'],
  ['GET ../../etc/passwd', 'longwire-GET-..-..-etc-passwd-2026-12-01-03-00-00'],
  ['a\u202e"<b>\n', 'longwire-a-b--2026-12-01-03-00-00']
])('a file of %s', (title, name) => {
  expect(fileName({ title, madeAt: '2026-12-01T03:00:00.123Z' })).toBe(name)
})
