// Which URLs a patched page takes for granted; the host's own matching has the same cases in Python.

import { describe, expect, test } from 'vitest'
import { isUnder, readDestinations } from '../../src/page/destinations'

const under = (url: string, ...destinations: string[]) => isUnder(new URL(url), readDestinations(destinations))

describe('a destination', () => {
  test.each([
    ['https://api.example.com/v1/', 'https://api.example.com/v1/chat', true],
    ['https://api.example.com/v1/', 'https://api.example.com/v1', false],
    ['https://api.example.com/v1/', 'https://api.example.com/v1evil', false],
    ['https://api.example.com/v1', 'https://api.example.com/v1', true],
    ['https://api.example.com/v1', 'https://api.example.com/v1/chat', true],
    ['https://api.example.com/v1', 'https://api.example.com/v1evil', false],
    ['https://api.example.com', 'https://api.example.com/anything?x#y', true],
    ['https://api.example.com/', 'http://api.example.com/', false],
    ['https://api.example.com/', 'https://api.example.com:8443/', false],
    ['https://api.example.com:8443/', 'https://api.example.com:8443/', true],
    ['https://api.example.com:443/', 'https://api.example.com/', true],
    ['https://api.example.com/', 'https://API.example.com/', true],
    ['https://api.example.com/v1/', 'https://api.example.com/v1/../admin', false],
    ['https://*.example.com/', 'https://a.example.com/', true],
    ['https://*.example.com/', 'https://a.b.example.com/', true],
    ['https://*.example.com/', 'https://example.com/', false],
    ['https://*.example.com/', 'https://evilexample.com/', false],
    ['https://*.example.com:8443/v1/', 'https://a.example.com:8443/v1/x', true],
    ['http://[::1]:8080/', 'http://[::1]:8080/x', true],
    ['http://127.0.0.1:8080/', 'http://127.1:8080/x', true]
  ])('%s and %s: %s', (destination, url, expected) => {
    expect(under(url, destination)).toBe(expected)
  })

  test('is one of several', () => {
    expect(under('https://b.example/', 'https://a.example/', 'https://b.example/')).toBe(true)
    expect(under('https://c.example/', 'https://a.example/', 'https://b.example/')).toBe(false)
    expect(under('https://c.example/')).toBe(false)
  })

  test.each(['', 'api.example.com', '*', 'https://', 'https://*.', '://x', '*.example.com'])('%j is none', (text) => {
    expect(() => readDestinations([text])).toThrow(TypeError)
  })
})
