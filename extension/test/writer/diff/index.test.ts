// Against a real server on the loopback, by Node's own fetch: what is asked, in which order, and what becomes of each answer.

import { describe, expect, test } from 'vitest'
import { DiffError, MAX_LIST_BYTES, MAX_PAGES, MAX_READ_BYTES, readPullRequest } from '../../../src/writer/diff'
import type { DiffSource, Reference, Site } from '../../../src/writer/model'
import { type Answer, serve, type TestServer } from '../../client/server'

const DIFF = 'diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+ü\n'
const DETAILS = { title: 'Title', source: '', target: '', author: 'Ann' }
const REFERENCE: Reference = {
  site: 'github',
  origin: 'https://x.example',
  project: 'a/b',
  subject: { kind: 'new', base: 'main', head: 'topic' }
}

const plain = (text: string, headers: Record<string, string> = {}, status = 200): Answer => {
  return (response) => void response.writeHead(status, { 'content-type': 'text/plain', ...headers }).end(text)
}

/** Answers by path, each with what the next turn is for it. */
function byPath(answers: Record<string, Answer | readonly Answer[]>): Answer {
  const turns: Record<string, number> = {}
  return (response, request, turn) => {
    const answer = answers[request.path] ?? plain('nothing here', {}, 404)
    const count = turns[request.path] ?? 0
    turns[request.path] = count + 1
    const now = typeof answer === 'function' ? answer : answer[Math.min(count, answer.length - 1)]
    return now?.(response, request, turn)
  }
}

type Given = Partial<DiffSource> & { readonly path: string }

function reading(
  server: TestServer,
  sources: readonly Given[],
  options: Partial<Parameters<typeof readPullRequest>[3]> = {}
) {
  const at = (path: string) => new URL(path, server.url).href
  const site = {
    name: 'github',
    tokenNeeds: '`repo`',
    details: () => DETAILS,
    diff: () =>
      sources.map(({ path, further, ...source }) => ({
        by: 'host',
        headers: [],
        form: 'unified',
        ...source,
        url: at(path),
        ...(further && { further: further.map(at) })
      }))
  } as unknown as Site
  const document = {} as Document
  const signal = new AbortController().signal
  const given = { hostFetch: fetch, pageFetch: fetch, signal, maxBytes: 1_000_000, ...options }
  return () => readPullRequest(site, REFERENCE, document, given)
}

const paths = (server: TestServer) => server.received.map(({ path }) => path)

/** As Longwire's fetch refuses. */
const denied: typeof fetch = () =>
  Promise.reject(Object.assign(new TypeError('no grant has it'), { code: 'POLICY_DENIED', category: 'POLICY' }))

async function failureOf(work: Promise<unknown>): Promise<DiffError> {
  const error = await work.then(
    () => new Error('it did not fail'),
    (reason) => reason
  )
  expect(error).toBeInstanceOf(DiffError)
  return error as DiffError
}

test('details, diff and counts; branches from the address where the page shows none', async () => {
  const server = await serve(byPath({ '/d': plain(DIFF) }))
  const read = await reading(server, [{ path: '/d', headers: [['Accept', 'application/vnd.github.diff']] }])()
  expect(read).toEqual({
    pullRequest: {
      ...DETAILS,
      source: 'topic',
      target: 'main',
      diff: DIFF,
      stats: { files: 1, added: 1, deleted: 1, bytes: Buffer.byteLength(DIFF) }
    },
    cut: null
  })
  expect(server.received[0]?.headers['accept']).toBe('application/vnd.github.diff')
})

test('what does not fit is cut, and counted whole', async () => {
  const diff = DIFF + DIFF.replaceAll('/a', '/b').replace('+1 @@', '+1,900 @@') + '+y\n'.repeat(899)
  const server = await serve(byPath({ '/d': plain(diff) }))
  const { pullRequest, cut } = await reading(server, [{ path: '/d' }], { maxBytes: 600 })()
  expect(cut).toEqual({ originalBytes: Buffer.byteLength(diff), cutBytes: Buffer.byteLength(pullRequest.diff) })
  expect(pullRequest.stats).toMatchObject({ files: 2, added: 901 })
})

test('the host is asked first; what the policy does not grant goes by without a word', async () => {
  const server = await serve(byPath({ '/page': plain(DIFF) }))
  const { pullRequest } = await reading(server, [{ path: '/api' }, { path: '/page', by: 'page' }], {
    hostFetch: denied
  })()
  expect(pullRequest.diff).toBe(DIFF)
})

test('what the policy is known not to offer is not asked at all', async () => {
  const server = await serve(byPath({ '/page': plain(DIFF) }))
  const hostFetch: typeof fetch = () => Promise.reject(new Error('asked'))
  const offered = (url: URL) => url.pathname !== '/api'
  await reading(server, [{ path: '/api' }, { path: '/page', by: 'page' }], { hostFetch, offered })()
  expect(paths(server)).toEqual(['/page'])
})

test('a source that fails is followed by the next', async () => {
  const server = await serve(byPath({ '/old': plain('no such API', {}, 404), '/new': plain(DIFF) }))
  await reading(server, [{ path: '/old' }, { path: '/new' }])()
  expect(paths(server)).toEqual(['/old', '/new'])
})

describe('told of several failures', () => {
  test("is the host's last, for a grant is how it is meant to be read", async () => {
    const server = await serve(byPath({ '/1': plain('', {}, 500), '/2': plain('', {}, 401), '/3': plain('', {}, 404) }))
    const failure = await failureOf(reading(server, [{ path: '/1' }, { path: '/2' }, { path: '/3', by: 'page' }])())
    expect(failure.code).toBe('NOT_SIGNED_IN')
  })

  test("is the page's, where the host may not ask", async () => {
    const server = await serve(byPath({ '/3': plain('', {}, 404) }))
    const sources: Given[] = [{ path: '/1' }, { path: '/3', by: 'page' }]
    const failure = await failureOf(reading(server, sources, { hostFetch: denied })())
    expect(failure).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('are you signed in?') })
  })

  test('is what to grant, where nobody may ask', async () => {
    const server = await serve(byPath({}))
    const failure = await failureOf(reading(server, [{ path: '/1' }], { hostFetch: denied })())
    expect(failure.code).toBe('NOT_GRANTED')
    expect(failure.message).toContain(`${server.url}, with a token that is allowed \`repo\``)
  })
})

test.each([
  [401, {}, 'NOT_SIGNED_IN', 'put one that is valid into the secret'],
  [403, {}, 'NOT_ALLOWED', 'has to be allowed `repo`'],
  [403, { 'x-ratelimit-remaining': '0', 'retry-after': '60' }, 'RATE_LIMITED', 'no more requests for now'],
  [404, {}, 'NOT_FOUND', 'has to be allowed `repo`'],
  [406, {}, 'TOO_LARGE', 'as large as this'],
  [418, {}, 'SITE_FAILED', 'did not give the diff'],
  [429, { 'retry-after': '7' }, 'RATE_LIMITED', 'no more requests for now'],
  [503, { 'retry-after': '3' }, 'SITE_FAILED', 'try again later']
])('%i %j is %s', async (status, headers, code, text) => {
  const server = await serve(byPath({ '/d': plain('the secret diff', headers, status) }))
  const failure = await failureOf(reading(server, [{ path: '/d' }])())
  expect(failure).toMatchObject({ code, message: expect.stringContaining(text) })
  expect(failure.message).not.toContain('the secret diff')
  const wait = 'retry-after' in headers ? 1000 * Number(headers['retry-after']) : null
  expect(failure.retryAfterMs).toBe(wait)
})

test('an allowance that comes back at a moment is waited for until then', async () => {
  const reset = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${Math.ceil(Date.now() / 1000) + 600}` }
  const server = await serve(byPath({ '/d': plain('', reset, 403) }))
  const { retryAfterMs } = await failureOf(reading(server, [{ path: '/d' }])())
  expect(retryAfterMs).toBeGreaterThan(0)
  expect(retryAfterMs).toBeLessThanOrEqual(601_000)
})

test.each([
  ['a form to sign in', { 'content-type': 'text/html; charset=utf-8' }, '<form>sign in</form>'],
  ['a list of commits', { 'content-type': 'application/json;charset=utf-8' }, '{"commits":[]}'],
  ['words', { 'content-type': 'text/plain' }, 'Moved.']
])('%s is no diff', async (_, headers, text) => {
  const server = await serve(byPath({ '/d': plain(text, headers) }))
  expect((await failureOf(reading(server, [{ path: '/d', by: 'page' }])())).code).toBe('NOT_A_DIFF')
})

test('branches that do not differ are nothing to describe, and nobody else is asked', async () => {
  const server = await serve(byPath({ '/d': plain(''), '/e': plain(DIFF) }))
  expect((await failureOf(reading(server, [{ path: '/d' }, { path: '/e' }])())).code).toBe('EMPTY')
  expect(paths(server)).toEqual(['/d'])
})

test("the page's own request that a browser refuses says what to grant", async () => {
  const server = await serve(byPath({}))
  const pageFetch: typeof fetch = () => Promise.reject(new TypeError('Failed to fetch'))
  const failure = await failureOf(reading(server, [{ path: '/d', by: 'page' }], { pageFetch })())
  expect(failure).toMatchObject({
    code: 'UNREACHABLE',
    message: expect.stringContaining('let the policy grant the writer')
  })
})

test("Longwire's own failure keeps its code", async () => {
  const server = await serve(byPath({}))
  const hostFetch: typeof fetch = () =>
    Promise.reject(Object.assign(new TypeError('the host ended'), { code: 'HOST_LOST' }))
  const failure = await failureOf(reading(server, [{ path: '/d' }], { hostFetch })())
  expect(failure).toMatchObject({ code: 'HOST_LOST', message: 'the host ended' })
})

test('a body that breaks off is no diff: the next source is asked, and else it says so', async () => {
  const cut: Answer = (response) => {
    response.writeHead(200, { 'content-length': '1000' }).write(DIFF, () => response.destroy())
  }
  const server = await serve(byPath({ '/d': cut, '/e': plain(DIFF) }))
  await reading(server, [{ path: '/d' }, { path: '/e' }])()
  expect(paths(server)).toEqual(['/d', '/e'])
  const failure = await failureOf(reading(server, [{ path: '/d', by: 'page' }])())
  expect(failure).toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('broke off') })
})

describe('an answer with an ETag', () => {
  test('is asked for again by it, and 304 is the diff of before', async () => {
    const again: Answer = (response) => void response.writeHead(304).end()
    const server = await serve(
      byPath({ '/d': [plain(DIFF, { etag: '"1"' }), again, plain(`${DIFF}${DIFF}`, { etag: '"2"' })] })
    )
    const read = reading(server, [{ path: '/d' }])
    const [first, second, third] = [await read(), await read(), await read()]
    expect(second).toEqual(first)
    expect(third.pullRequest.stats.added).toBe(2)
    expect(server.received.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"', '"1"'])
  })

  test("is not another document's", async () => {
    const server = await serve(byPath({ '/d': plain(DIFF, { etag: '"1"' }) }))
    await reading(server, [{ path: '/d' }])()
    await reading(server, [{ path: '/d' }])()
    expect(server.received[1]?.headers['if-none-match']).toBeUndefined()
  })

  test('that came by the host is not given to the page, nor the other way round', async () => {
    const server = await serve(byPath({ '/d': [plain(DIFF, { etag: '"1"' }), plain('', {}, 500), plain(DIFF)] }))
    const read = reading(server, [{ path: '/d' }, { path: '/d', by: 'page' }])
    await read()
    await read()
    expect(server.received[2]?.headers['if-none-match']).toBeUndefined()
  })

  test('is kept for the last few addresses only', async () => {
    const answers = Object.fromEntries([0, 1, 2, 3, 4].map((i) => [`/${i}`, plain(DIFF, { etag: `"${i}"` })]))
    const server = await serve(byPath(answers))
    const read = reading(server, [{ path: '/0', further: ['/1', '/2', '/3', '/4'] }])
    await read()
    await read()
    const asked = server.received.slice(5).map(({ headers }) => headers['if-none-match'])
    expect(asked.filter((etag) => etag !== undefined).length).toBeLessThan(5)
  })
})

describe('a list of files', () => {
  const files = (name: string) => JSON.stringify([{ filename: name, status: 'added', patch: '@@ -0,0 +1 @@\n+y' }])
  const json = (text: string, next?: string): Answer =>
    plain(text, {
      'content-type': 'application/json',
      ...(next && { link: `<${next}>; rel="next", </x>; rel="last"` })
    })

  test('is read in all its pages', async () => {
    const server = await serve(
      byPath({ '/f': json(files('a'), '/repositories/1/f?page=2'), '/repositories/1/f?page=2': json(files('b')) })
    )
    const { pullRequest } = await reading(server, [{ path: '/f', form: 'github-files' }])()
    expect(pullRequest.stats).toMatchObject({ files: 2, added: 2 })
  })

  test('goes on at no other server', async () => {
    const server = await serve(byPath({ '/f': json(files('a'), 'http://127.0.0.1:9/f') }))
    const { pullRequest } = await reading(server, [{ path: '/f', form: 'github-files' }])()
    expect(pullRequest.stats.files).toBe(1)
  })

  test('ends', async () => {
    const server = await serve(json(files('a'), '/f'))
    expect((await failureOf(reading(server, [{ path: '/f', form: 'github-files' }])())).code).toBe('TOO_LARGE')
    expect(server.received).toHaveLength(MAX_PAGES)
  })

  test.each(['{', '[]x', '{"message":"Not Found"}'])('%s is none', async (text) => {
    const server = await serve(byPath({ '/f': json(text) }))
    expect((await failureOf(reading(server, [{ path: '/f', form: 'gitlab-json' }])())).code).toBe('NOT_A_DIFF')
  })
})

test('a series is read in its order, as one diff', async () => {
  const server = await serve(byPath({ '/1': plain(`From: x\n\n${DIFF}`), '/2': plain(DIFF.replaceAll('/a', '/b')) }))
  const { pullRequest } = await reading(server, [{ path: '/1', further: ['/2'], by: 'page' }])()
  expect(pullRequest.diff).toBe(`${DIFF}${DIFF.replaceAll('/a', '/b')}`)
})

describe('an answer without end', () => {
  const endless: Answer = (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const piece = '+'.repeat(1 << 20)
    const more = () => {
      while (response.write(piece));
    }
    response.on('drain', more)
    more()
  }

  test('is let go at its bound', async () => {
    expect(MAX_LIST_BYTES).toBeLessThan(MAX_READ_BYTES)
    const server = await serve(endless)
    expect((await failureOf(reading(server, [{ path: '/f', form: 'gitlab-json' }])())).code).toBe('TOO_LARGE')
    await server.gone
  })

  test('ends with the signal, by its reason', async () => {
    const stop = new AbortController()
    const reason = new Error('stopped')
    const server = await serve((response, request, turn) => {
      endless(response, request, turn)
      stop.abort(reason)
    })
    await expect(reading(server, [{ path: '/f' }, { path: '/g' }], { signal: stop.signal })()).rejects.toBe(reason)
    await server.gone
    expect(paths(server)).toEqual(['/f'])
  })
})

test('who has stopped already asks nobody', async () => {
  const server = await serve(byPath({ '/d': plain(DIFF) }))
  const reason = new Error('stopped')
  await expect(reading(server, [{ path: '/d' }], { signal: AbortSignal.abort(reason) })()).rejects.toBe(reason)
  expect(server.received).toEqual([])
})
