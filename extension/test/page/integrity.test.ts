// What of `integrity` counts (Subresource Integrity, section 3.3).

import { expect, test } from 'vitest'
import { checkIntegrity, readIntegrity } from '../../src/page/integrity'

const sha = async (name: string, text: string) =>
  Buffer.from(await crypto.subtle.digest(name, new TextEncoder().encode(text))).toString('base64')

test.each([
  '',
  '  ',
  'nonsense',
  'md5-AAAA',
  'sha1-AAAA',
  'SHA256-AAAA',
  'sha256',
  'sha256-',
  'sha256-?x',
  'sha256-a!b',
  'x-sha256-AAAA'
])('%j asks for nothing', (metadata) => {
  expect(readIntegrity(metadata)).toBeNull()
})

test.each([
  ['sha256-AAAA', 'SHA-256', ['AAAA']],
  ['sha256-AAAA=', 'SHA-256', ['AAAA']],
  ['sha256-A-_A?option', 'SHA-256', ['A+/A']],
  [' sha256-AAAA\n\tsha256-BBBB ', 'SHA-256', ['AAAA', 'BBBB']],
  ['sha384-CCCC sha256-AAAA', 'SHA-384', ['CCCC']],
  ['sha256-AAAA sha512-DDDD sha384-CCCC', 'SHA-512', ['DDDD']],
  ['nonsense sha256-AAAA', 'SHA-256', ['AAAA']]
])('%j', (metadata, algorithm, digests) => {
  expect(readIntegrity(metadata)).toEqual({ algorithm, digests })
})

test('signatures are refused', () => {
  expect(() => readIntegrity('sha256-AAAA ed25519-AAAA')).toThrow(TypeError)
})

test.each([
  ['sha256', 'SHA-256'],
  ['sha384', 'SHA-384'],
  ['sha512', 'SHA-512']
])('%s of the body, and of another', async (prefix, name) => {
  const body = new TextEncoder().encode('content').buffer
  const right = `${prefix}-${await sha(name, 'content')}`
  const wrong = `${prefix}-${await sha(name, 'other')}`
  const asked = (metadata: string) => readIntegrity(metadata) as NonNullable<ReturnType<typeof readIntegrity>>
  await expect(checkIntegrity(body, asked(right))).resolves.toBeUndefined()
  await expect(checkIntegrity(body, asked(`${wrong} ${right}`))).resolves.toBeUndefined()
  await expect(checkIntegrity(body, asked(wrong))).rejects.toThrow(TypeError)
  await expect(checkIntegrity(body, asked(right.slice(0, 20)))).rejects.toThrow(TypeError)
})
