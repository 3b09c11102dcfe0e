import { afterEach, expect, test, vi } from 'vitest'
import { events, OptionError, type StreamOptions, storedToken, stream, type Token } from '../../src/client'
import { failureOf, serve, sse } from './server'

const URL = 'https://api.example.com/'
const DONE = sse('data: hello\n\ndata: [DONE]\n\n')

afterEach(() => vi.unstubAllGlobals())

/** What a call throws. */
function thrown(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

test.each([
  ['onTexts', 'onText'],
  ['headertimeout', 'headerTimeout'],
  ['maxEventSize', 'maxEventLength'],
  ['onEvent', 'onEvents'],
  ['retries', 'retry'],
  ['keeptext', 'keepText']
])('the option %s does not exist, and %s is named', (option, nearest) => {
  const error = thrown(() => stream(URL, {}, { [option]: 1 } as StreamOptions))
  expect(error).toBeInstanceOf(OptionError)
  expect(error).toBeInstanceOf(TypeError)
  expect(error).toMatchObject({ code: 'UNKNOWN_OPTION', option, nearest })
  expect((error as Error).message).toContain(`\`${nearest}\``)
})

test('an option of retry, of a token and of events() is looked at alike', () => {
  const ofRetry = thrown(() => stream(URL, {}, { retry: { retrys: 1 } as never }))
  expect(ofRetry).toMatchObject({ option: 'retrys', nearest: 'retries' })
  const ofToken = thrown(() => stream(URL, {}, { token: { value: 't', heder: 'x' } as never }))
  expect(ofToken).toMatchObject({ option: 'heder', nearest: 'header' })
  // What only stream() can do is not silently left out.
  const ofEvents = thrown(() => events(new Response(), { resume: true } as never))
  expect(ofEvents).toMatchObject({ option: 'resume' })
})

test('what stands in the wrong one of two arguments is told where it belongs', () => {
  const headers = thrown(() => stream(URL, {}, { headers: {} } as never))
  expect(headers).toMatchObject({ option: 'headers', message: expect.stringContaining('init') })
  const onText = thrown(() => stream(URL, { onText: () => {} } as never))
  expect(onText).toMatchObject({ option: 'onText', message: expect.stringContaining('third argument') })
})

test.each<[Token, string, string]>([
  ['secret', 'authorization', 'Bearer secret'],
  [{ value: 'secret' }, 'authorization', 'Bearer secret'],
  [{ value: 'secret', scheme: 'Token' }, 'authorization', 'Token secret'],
  [{ value: async () => 'secret', header: 'X-API-Key' }, 'x-api-key', 'secret'],
  [{ value: 'secret', header: 'X-Auth', scheme: 'Key' }, 'x-auth', 'Key secret'],
  [
    { value: storedToken('key', { getItem: () => 'kept' }), header: 'Authorization', scheme: '' },
    'authorization',
    'kept'
  ]
])('the token %o is sent as %s: %s', async (token, header, value) => {
  const server = await serve(DONE)
  await stream(server.url, {}, { token }).readToCompletion()
  expect(server.received[0]?.headers[header]).toBe(value)
  if (header !== 'authorization') expect(server.received[0]?.headers.authorization).toBeUndefined()
})

test('a token that is not there is not sent in any header', async () => {
  const server = await serve(DONE)
  const token = { value: () => null, header: 'X-API-Key' }
  expect(await failureOf(stream(server.url, {}, { token }).readToCompletion())).toMatchObject({
    code: 'NOT_AUTHENTICATED'
  })
  expect(server.received).toEqual([])
  expect(thrown(() => stream(server.url, {}, { token: { value: 't', header: 'no header' } }))).toBeInstanceOf(TypeError)
})

/** A stand-in for `longwire.fetch`, which says with what it was called. */
function stubLongwire() {
  const inits: (RequestInit & { longwire?: object })[] = []
  const fetch = async (_input: unknown, init: RequestInit = {}) => {
    inits.push(init)
    return new Response('data: [DONE]\n\n', { headers: { 'content-type': 'text/event-stream' } })
  }
  vi.stubGlobal('longwire', { fetch })
  return { inits, fetch }
}

test('a headerTimeout is told to longwire.fetch, and what the caller tells it himself comes first', async () => {
  const { inits, fetch } = stubLongwire()
  await stream(URL, {}, { fetch, headerTimeout: 1_800_000 }).readToCompletion()
  await stream(URL, {}, { fetch, headerTimeout: Infinity }).readToCompletion()
  await stream(URL, { longwire: { headerTimeout: 5, idleTimeout: 7 } }, { fetch, headerTimeout: 9 }).readToCompletion()
  await stream(URL, {}, { fetch }).readToCompletion()
  expect(inits.map(({ longwire }) => longwire)).toEqual([
    { headerTimeout: 1_800_000 },
    { headerTimeout: 86_400_000 },
    { headerTimeout: 5, idleTimeout: 7 },
    undefined
  ])
})

test('another fetch is told nothing: a patched one would take it for a mark', async () => {
  const { inits, fetch } = stubLongwire()
  const other = (input: string, init?: RequestInit) => fetch(input, init)
  await stream(URL, {}, { fetch: other, headerTimeout: 1000 }).readToCompletion()
  expect(inits[0]).not.toHaveProperty('longwire')
})
