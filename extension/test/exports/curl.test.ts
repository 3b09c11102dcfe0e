// A command does what the page did: run by sh, with curl, against a server that says what it got.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toCurl, variablesOf } from '../../src/exports/curl'
import { piece, request, SOCKET, streamOf } from './recorded'

interface Got {
  method: string
  url: string
  headers: [string, string][]
  body: Buffer
}

let server: Server
let origin: string
let folder: string
const got: Got[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'curl-'))
  server = createServer((asked: IncomingMessage, answer) => {
    const pieces: Buffer[] = []
    asked.on('data', (data: Buffer) => pieces.push(data))
    asked.on('end', () => {
      const raw = asked.rawHeaders
      const headers = raw.flatMap((name, i) => (i % 2 ? [] : [[name, raw[i + 1] ?? ''] as [string, string]]))
      got.push({ method: asked.method ?? '', url: asked.url ?? '', headers, body: Buffer.concat(pieces) })
      answer.end('answered')
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true })
})

async function run(command: string | null, variables: Record<string, string> = {}): Promise<Got> {
  got.length = 0
  const env = { PATH: process.env['PATH'] ?? '', no_proxy: '*', ...variables }
  // As a script: in one argument it may be too long.
  const script = join(folder, 'command.sh')
  await writeFile(script, command ?? '')
  const { stdout } = await promisify(execFile)('/bin/sh', [script], { env, timeout: 30_000 })
  expect(stdout === 'answered' || got[0]?.method === 'HEAD').toBe(true)
  return got[0] as Got
}

const HOSTILE = `'; echo "hacked" $(id) \`id\` $HOME \\ "!!" & | > /tmp/x #\t*?[a-z]{1,2}~`

describe('by a shell', () => {
  test('nothing of the page means anything', async () => {
    const headers = [
      ['content-type', 'text/plain'],
      ['x-note', HOSTILE.trim()],
      ['x-empty', ''],
      ['x-at', '@/etc/passwd']
    ]
    const url = `${origin}/a'b$(id)/[1-3]{a,b}?q='x'&y=\`id\``
    const asked = request({ method: 'POST', url, headers })
    const seen = await run(toCurl(streamOf(asked, piece(0, `@/etc/passwd\n${HOSTILE}\n\n`, { way: 'up' }))))
    expect(seen.body.toString()).toBe(`@/etc/passwd\n${HOSTILE}\n\n`)
    expect(seen.headers).toContainEqual(['x-note', HOSTILE.trim()])
    expect(seen.headers).toContainEqual(['x-empty', ''])
    expect(seen.headers).toContainEqual(['x-at', '@/etc/passwd'])
    expect(`${origin}${seen.url}`).toBe(url)
  })

  test('credentials come from variables, whatever is in them', async () => {
    const headers = [
      ['authorization', 'Bearer (secret:authorization)'],
      ['x-api-key', '(secret:x-api-key)']
    ]
    const command = toCurl(streamOf(request({ url: `${origin}/(secret:path)?a=1&key=(secret:key)`, headers })))
    expect(variablesOf(command ?? '')).toEqual(['SECRET_PATH', 'SECRET_KEY', 'AUTHORIZATION', 'X_API_KEY'])
    const values = { AUTHORIZATION: 'a $(id) b', X_API_KEY: `'"\\`, SECRET_KEY: 'k', SECRET_PATH: 'p' }
    const seen = await run(command, values)
    expect(seen.url).toBe('/p?a=1&key=k')
    expect(seen.headers).toContainEqual(['authorization', 'Bearer a $(id) b'])
    expect(seen.headers).toContainEqual(['x-api-key', `'"\\`])
  })

  test('no page gets what else is in the environment of whoever runs it', async () => {
    // What a page names its fields and parameters, it chooses; and it can write what only looks like a credential's place.
    const headers = [
      ['aws-secret-access-key', '(secret:aws-secret-access-key)'],
      ['x-note', '(secret:github-token) (secret:authorization)']
    ]
    const command = toCurl(streamOf(request({ url: `${origin}/?openai_api_key=(secret:openai-api-key)`, headers })))
    const names = ['AWS_SECRET_ACCESS_KEY', 'GITHUB_TOKEN', 'OPENAI_API_KEY']
    const seen = await run(command, Object.fromEntries(names.map((name) => [name, 'planted'])))
    expect(JSON.stringify(seen)).not.toContain('planted')
    expect(variablesOf(command ?? '')).toContain('SECRET_AWS_SECRET_ACCESS_KEY')
  })

  test('a body is the same to the byte: binary, large, with zeros, empty lines, of no type', async () => {
    const bodies = [new Uint8Array([0, 255, 10, 13, 0]), 'a\0b', 'x'.repeat(200_000), '\n\n', "'"]
    for (const body of bodies) {
      const seen = await run(
        toCurl(streamOf(request({ method: 'PUT', url: `${origin}/` }), piece(0, body, { way: 'up' })))
      )
      expect(seen.method).toBe('PUT')
      expect(seen.body.equals(Buffer.from(body))).toBe(true)
      expect(seen.headers.map(([name]) => name.toLowerCase())).not.toContain('content-type')
    }
  })

  test('fields that came twice go twice', async () => {
    const headers = [
      ['x-a', '1'],
      ['x-a', '2']
    ]
    const seen = await run(toCurl(streamOf(request({ url: `${origin}/`, headers }))))
    expect(seen.headers.filter(([name]) => name === 'x-a')).toEqual(headers)
  })

  test('a HEAD waits for no body', async () => {
    expect((await run(toCurl(streamOf(request({ method: 'HEAD', url: `${origin}/` }))))).method).toBe('HEAD')
  })
})

test('what curl cannot ask is no command', () => {
  expect(toCurl(streamOf(...SOCKET))).toBeNull()
  expect(toCurl(streamOf(request({ kind: 'generation', url: 'longwire:generate' })))).toBeNull()
})

test('a body with asterisks for a credential says so', () => {
  const body = piece(0, '{"api_key":"****"}', { way: 'up', masked: true })
  expect(toCurl(streamOf(request({ method: 'POST' }), body))).toMatch(/^# What was a credential/)
})
