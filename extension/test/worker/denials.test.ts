import { expect, test } from 'vitest'
import { Denials, MAX_TABS } from '../../src/worker/denials'
import type { StreamEnding } from '../../src/worker/observer'
import { PAGE } from './samples'

const denied = { method: 'GET', url: 'https://api.example.com/' }
const refused = {
  how: 'error',
  by: 'host',
  code: 'POLICY_DENIED',
  message: '',
  phase: 'policy',
  retryable: false
} as const

function end(denials: Denials, tab: number, origin: string, method = 'GET', ending: StreamEnding = refused): void {
  denials.ended(
    { id: 1, page: { ...PAGE, tab, origin }, method, url: denied.url, durable: false, startedAt: 0 },
    ending
  )
}

test('the last one of a tab counts, for the origin that was refused', () => {
  const denials = new Denials()
  end(denials, 1, 'https://a.example')
  end(denials, 1, 'https://b.example', 'POST')
  expect(denials.of(1, 'https://b.example')).toEqual({ ...denied, method: 'POST' })
  expect(denials.of(1, 'https://a.example')).toBeNull()
  expect(denials.of(2, 'https://b.example')).toBeNull()
})

test.each([0, 1])('%d tabs over the limit', (over) => {
  const denials = new Denials()
  for (let tab = 0; tab < MAX_TABS + over; tab++) end(denials, tab, 'https://a.example')
  expect(denials.of(0, 'https://a.example')).toEqual(over === 0 ? denied : null)
  expect(denials.of(MAX_TABS + over - 1, 'https://a.example')).toEqual(denied)
})

test.each<[string, StreamEnding]>([
  ['another error of the host', { ...refused, code: 'UPSTREAM_RESET' }],
  ['a refusal of the extension’s own', { ...refused, by: 'extension' }],
  ['an abort', { how: 'abort', reason: 'signal' }]
])('%s is none of the policy', (_, ending) => {
  const denials = new Denials()
  end(denials, 1, 'https://a.example', 'GET', ending)
  expect(denials.of(1, 'https://a.example')).toBeNull()
})

test('what the writer was refused is none of the page', () => {
  const denials = new Denials()
  const page = { ...PAGE, tab: 1, origin: 'https://a.example', principal: 'writer' } as const
  denials.ended({ id: 1, page, ...denied, durable: false, startedAt: 0 }, refused)
  expect(denials.of(1, 'https://a.example')).toBeNull()
})
