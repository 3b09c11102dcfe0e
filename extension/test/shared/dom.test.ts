import { afterEach, expect, test, vi } from 'vitest'
import { announce } from '../../src/shared/dom'

afterEach(() => vi.unstubAllGlobals())

test('what is announced has nothing unseen in it, whoever wrote it', () => {
  const announcer = { textContent: '' }
  vi.stubGlobal('document', { getElementById: (id: string) => (id === 'announcer' ? announcer : null) })
  announce('a\u202egpj, 12 B')
  expect(announcer.textContent).toBe('a\\u{202e}gpj, 12 B')
})
