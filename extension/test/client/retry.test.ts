import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { StreamError } from '../../src/client/errors'
import { delayBefore, mayResend, retryAfter, retryRules, type Sent } from '../../src/client/retry'

const NOW = Date.parse('Sat, 21 Nov 2026 12:00:00 GMT')

// Where the clock on the wall is not that of HTTP.
const zone = process.env['TZ']
beforeAll(() => {
  process.env['TZ'] = 'America/New_York'
})
afterAll(() => {
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
})

test.each<[string, Record<string, string>, number | undefined]>([
  ['seconds', { 'retry-after': '4' }, 4000],
  ['no seconds', { 'retry-after': '0' }, 0],
  ['a part of a second', { 'retry-after': '0.5' }, 500],
  ['spaces', { 'retry-after': ' 4 ' }, 4000],
  ['milliseconds', { 'retry-after-ms': '250', 'retry-after': '4' }, 250],
  ['a date', { 'retry-after': 'Sat, 21 Nov 2026 12:00:07 GMT' }, 7000],
  ['a date of RFC 850', { 'retry-after': 'Saturday, 21-Nov-26 12:00:07 GMT' }, 7000],
  ['a date of asctime', { 'retry-after': 'Sat Nov 21 12:00:07 2026' }, 7000],
  [
    'a date by the clock of the server',
    { 'retry-after': 'Fri, 20 Nov 2026 00:00:09 GMT', date: 'Fri, 20 Nov 2026 00:00:00 GMT' },
    9000
  ],
  ['a date that is over', { 'retry-after': 'Sat, 21 Nov 2026 11:00:00 GMT' }, 0],
  ['a negative number', { 'retry-after': '-1' }, undefined],
  ['words', { 'retry-after': 'soon' }, undefined],
  ['nothing', { 'retry-after': '' }, undefined],
  ['a date that is none', { 'retry-after': 'Sat, 99 Nov 2026 12:00:07 GMT' }, undefined],
  ['no field', {}, undefined]
])('Retry-After: %s', (_, headers, expected) => {
  expect(retryAfter(new Headers(headers), NOW)).toBe(expected)
})

const broken = new StreamError('BODY_FAILED', '')
const noConnection = (phase: string) => {
  const cause = { code: 'UPSTREAM_CONNECT', category: 'NETWORK', phase, retryable: true }
  return new StreamError('UPSTREAM_CONNECT', '', { retryable: true, cause })
}
const unsent = noConnection('connect')
const upload = new StreamError('UPLOAD_FAILED', '', { category: 'NETWORK', retryable: false })
const refused = (status: number) => new StreamError('HTTP_STATUS', '', { status, retryable: true })
const post: Sent = { method: 'POST', headers: new Headers(), repeatable: true, resumes: false, answered: false }
const keyed = new Headers({ 'idempotency-key': '1' })

test.each<[string, StreamError, Partial<Sent>, 'safe' | 'unanswered' | 'always', boolean]>([
  ['a POST that never left', unsent, {}, 'safe', true],
  ['a POST that was answered with a redirect to nowhere', noConnection('headers'), {}, 'safe', false],
  ['a POST that was refused', refused(429), {}, 'safe', true],
  ['a POST that was refused for the moment', refused(503), {}, 'safe', true],
  ['a POST that may have worked', refused(502), {}, 'safe', false],
  ['a POST whose connection broke', broken, {}, 'safe', false],
  ['a POST whose connection broke, by the word of the caller', broken, {}, 'unanswered', true],
  ['a POST that was answered', broken, { answered: true }, 'unanswered', false],
  ['a POST that was answered, by the word of the caller', broken, { answered: true }, 'always', true],
  ['a POST with a key that was answered', broken, { answered: true, headers: keyed }, 'safe', true],
  ['a POST that resumes', broken, { answered: true, resumes: true }, 'safe', true],
  ['a POST whose body is gone', unsent, { repeatable: false }, 'always', false],
  ['a GET that was answered', broken, { method: 'GET', answered: true }, 'safe', true],
  ['a PUT that was answered', broken, { method: 'PUT', answered: true }, 'safe', true],
  ['a PATCH that was answered', broken, { method: 'PATCH', answered: true }, 'safe', false],
  ['a PUT whose connection broke inside its body', upload, { method: 'PUT' }, 'safe', true],
  ['a POST whose connection broke inside its body', upload, {}, 'safe', false],
  ['a PUT whose body failed by itself', upload, { method: 'PUT', repeatable: false }, 'always', false],
  ['what cannot succeed', new StreamError('HTML', ''), { method: 'GET' }, 'always', false]
])('%s', (_, error, sent, resend, expected) => {
  expect(mayResend(error, { ...post, ...sent }, retryRules({ resend }))).toBe(expected)
})

test('delays double up to a cap, and vary by no more than the jitter', () => {
  const rules = retryRules(undefined)
  const middle = [1, 2, 3, 4, 5, 6].map((retry) => delayBefore(retry, broken, rules, undefined, () => 0.5))
  expect(middle).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000])
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (random) => {
      const delay = delayBefore(1, broken, rules, undefined, () => random) as number
      expect(delay).toBeGreaterThanOrEqual(750)
      expect(delay).toBeLessThanOrEqual(1250)
    })
  )
})

test('the server rules: its retry field, its Retry-After, and one that is too long', () => {
  const rules = retryRules({ jitter: 0, maxRetryAfter: 5000 })
  expect(delayBefore(2, broken, rules, 20_000)).toBe(20_000)
  expect(delayBefore(2, broken, rules, 100)).toBe(200)
  const asked = (milliseconds: number) => new StreamError('HTTP_STATUS', '', { retryAfter: milliseconds })
  expect(delayBefore(3, asked(5000), rules)).toBe(5000)
  expect(delayBefore(3, asked(5001), rules)).toBe(null)
})

test('an option that is none is refused', () => {
  expect(() => retryRules({ retrys: 3 } as never)).toThrow(TypeError)
  expect(() => retryRules({ retries: -1 })).toThrow('`retry.retries` cannot be -1')
  expect(() => retryRules({ resend: 'maybe' as never })).toThrow(TypeError)
})
