// Page patterns of the policy, as the browser's match patterns: never more pages than the policy names.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  carriesShim,
  excludedOf,
  isStatic,
  matchOf,
  type PagePattern,
  parsePagePattern,
  permissionOf
} from '../../src/shared/page-patterns'

function parsed(text: string): PagePattern {
  const pattern = parsePagePattern(text)
  if (pattern === null) throw new Error(`${text} is not a pattern`)
  return pattern
}

test.each([
  ['https://app.example.com', 'https://app.example.com:443/*', [], 'https://app.example.com/*'],
  ['http://app.example.com', 'http://app.example.com:80/*', [], 'http://app.example.com/*'],
  ['http://app.example.com:5173', 'http://app.example.com:5173/*', [], 'http://app.example.com/*'],
  ['http://app.example.com:*', 'http://app.example.com:*/*', [], 'http://app.example.com/*'],
  ['HTTPS://APP.example.com:443', 'https://app.example.com:443/*', [], 'https://app.example.com/*'],
  ['https://*.example.com', 'https://*.example.com:443/*', ['https://example.com:443/*'], 'https://*.example.com/*'],
  ['http://*.example.com:*', 'http://*.example.com:*/*', ['http://example.com:*/*'], 'http://*.example.com/*'],
  ['https://bücher.example', 'https://xn--bcher-kva.example:443/*', [], 'https://xn--bcher-kva.example/*'],
  ['http://[::1]:8080', 'http://[::1]:8080/*', [], 'http://[::1]/*'],
  ['http://[0:0::1]', 'http://[::1]:80/*', [], 'http://[::1]/*'],
  ['http://127.1', 'http://127.0.0.1:80/*', [], 'http://127.0.0.1/*']
])('%s', (text, match, excluded, permission) => {
  const pattern = parsed(text)
  expect(pattern.text).toBe(text)
  expect(matchOf(pattern)).toBe(match)
  expect(excludedOf(pattern)).toEqual(excluded)
  expect(permissionOf(pattern)).toBe(permission)
})

test.each([
  '',
  'app.example.com',
  '*://app.example.com',
  'ftp://app.example.com',
  'file:///',
  'https://',
  'https://*',
  'https://*.',
  'https://*example.com',
  'https://app.*.com',
  'https://*.*.example.com',
  'https://app.example.com/',
  'https://app.example.com/path',
  'https://app.example.com?',
  'https://app.example.com#',
  'https://user@app.example.com',
  'https://app.example.com:',
  'https://app.example.com:65536',
  'https://app.example.com:-1',
  'https://app.example.com:**',
  'https://app.example.com:80*',
  ' https://app.example.com',
  'https://app example.com',
  'https://[::1',
  'https://[::zz]',
  '<all_urls>'
])('%j is no pattern', (text) => {
  expect(parsePagePattern(text)).toBeNull()
})

test('whatever the text, a pattern names one scheme and one host of the URL standard', () => {
  const piece = fc.constantFrom(
    'http://',
    'https://',
    '*.',
    '*',
    'a',
    'b.',
    'ü',
    '[::1]',
    ':',
    '80',
    '@',
    '/',
    '?',
    ' '
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const pattern = parsePagePattern(pieces.join(''))
      if (pattern === null) return
      const url = URL.parse(`${pattern.scheme}://${pattern.host}/`)
      expect(url?.hostname).toBe(pattern.host)
      expect(matchOf(pattern)).toMatch(/^https?:\/\/(\*\.)?[^*/?#@\s]+:(\d+|\*)\/\*$/)
    }),
    { numRuns: 2000 }
  )
})

test.each([
  ['http://localhost:5173', true],
  ['https://127.0.0.1:*', true],
  ['http://*.localhost', false],
  ['http://app.localhost', false],
  ['http://127.0.0.2', false]
])('%s carries the shim by the manifest: %j', (text, expected) => {
  expect(isStatic(parsed(text))).toBe(expected)
})

describe('a page', () => {
  const patterns = ['https://app.example.com', 'http://*.tools.example.com:8080', 'https://any.example.com:*'].map(
    parsed
  )
  test.each([
    ['https://app.example.com', true],
    ['https://app.example.com:443', true],
    ['https://app.example.com:8443', false],
    ['http://app.example.com', false],
    ['https://sub.app.example.com', false],
    ['https://app.example.com.evil.example', false],
    ['https://evilapp.example.com', false],
    ['http://a.tools.example.com:8080', true],
    ['http://a.b.tools.example.com:8080', true],
    ['http://tools.example.com:8080', false],
    ['http://eviltools.example.com:8080', false],
    ['http://a.tools.example.com', false],
    ['https://any.example.com', true],
    ['https://any.example.com:1', true],
    ['http://any.example.com:443', false],
    ['http://localhost', true],
    ['https://127.0.0.1:9', true],
    ['http://app.localhost', false],
    ['null', false],
    ['', false],
    ['file://', false],
    ['chrome-extension://app.example.com', false]
  ])('of %j carries the shim: %j', (origin, expected) => {
    expect(carriesShim(origin, patterns)).toBe(expected)
  })
})
