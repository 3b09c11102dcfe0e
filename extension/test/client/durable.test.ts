// An answer that outlives the bridge: whatever breaks, and wherever, the events are those of one answer.

import { afterEach, expect, test } from 'vitest'
import type { StreamStatus } from '../../src/client/event-stream'
import { generate } from '../../src/client/generate'
import { type StreamOptions, stream } from '../../src/client/stream'
import { LongwireError } from '../../src/page/errors'
import type { ErrorCode } from '../../src/protocol/errors'
import { failureOf } from './server'

const QUICK = { delay: 1, jitter: 0 }
const events = (count: number) =>
  Array.from({ length: count }, (_, i) => `id: ${i}\ndata: {"type":"text","data":"${i} é€😀 "}\n\n`).join('')
const ANSWER = events(40)
const ALL = Array.from({ length: 40 }, (_, i) => `${i} é€😀 `).join('')

/** What becomes of one call: so many bytes more and then this, or nothing but this. */
type Fate = { after?: number; code: ErrorCode; retryable?: boolean } | 'whole'

interface Asked {
  readonly key: string
  readonly from: number
  readonly body: unknown
}

/** A fetch that has the answer under every key, and gives it as the script says. */
function daemon(answer: string, ...script: Fate[]) {
  const bytes = new TextEncoder().encode(answer)
  const asked: Asked[] = []
  const longwires: object[] = []
  let turn = 0
  const fetch = async (
    _: unknown,
    init: RequestInit & { longwire?: { durable: { key: string; from: number } } } = {}
  ) => {
    const { key, from } = init.longwire?.durable ?? { key: '', from: -1 }
    asked.push({ key, from, body: init.body })
    longwires.push(init.longwire ?? {})
    const fate = script[turn++] ?? 'whole'
    if (fate !== 'whole' && fate.after === undefined) throw failure(fate, 'headers')
    const end = fate === 'whole' ? bytes.length : from + (fate.after ?? 0)
    let at = from
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (at < end) controller.enqueue(bytes.slice(at, Math.min(at + 7, end)))
          else if (fate === 'whole') controller.close()
          else controller.error(failure(fate, 'body'))
          at += 7
        }
      },
      { highWaterMark: 0 }
    )
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
  return { fetch, asked, longwires }
}

function failure({ code, retryable }: Exclude<Fate, string>, phase: 'headers' | 'body'): LongwireError {
  return new LongwireError(code, 'scripted', phase, retryable === undefined ? undefined : { retryable })
}

async function run(options: StreamOptions, ...script: Fate[]) {
  const { fetch, asked } = daemon(ANSWER, ...script)
  const statuses: StreamStatus[] = []
  const answer = stream('https://api.example.com/', { method: 'POST', body: '{}' }, {
    durable: 'answer-42',
    retry: QUICK,
    fetch,
    onStatus: (status: StreamStatus) => statuses.push(status),
    ...options
  } as StreamOptions)
  const ids: string[] = []
  let outcome: unknown = null
  try {
    for await (const { id } of answer) ids.push(id)
  } catch (error) {
    outcome = error
  }
  return { answer, asked, ids, outcome, states: statuses.map(({ state }) => state) }
}

const wholeIds = Array.from({ length: 40 }, (_, i) => String(i))

test.each(['BRIDGE_LOST', 'HOST_LOST'] as const)('%s at every byte, inside characters and events', async (code) => {
  for (let after = 1; after < new TextEncoder().encode(ANSWER).length; after += 13) {
    const { answer, asked, ids, outcome } = await run({}, { after, code })
    expect([outcome, ids, answer.text]).toEqual([null, wholeIds, ALL])
    expect(asked).toEqual([0, after].map((from) => ({ key: 'answer-42', from, body: '{}' })))
  }
})

test('again and again: what came in between begins the count anew', async () => {
  const lost: Fate = { after: 50, code: 'BRIDGE_LOST' }
  const { ids, asked, outcome, states } = await run({ retry: { ...QUICK, retries: 1 } }, ...Array<Fate>(9).fill(lost))
  expect([outcome, ids]).toEqual([null, wholeIds])
  expect(asked.map(({ from }) => from)).toEqual(Array.from({ length: 10 }, (_, i) => i * 50))
  const once = ['connecting', 'open']
  expect(states).toEqual([
    ...once,
    ...Array(9)
      .fill(['waiting', ...once])
      .flat(),
    'done'
  ])
})

test('before the headers, and where the host says that it will be there', async () => {
  const starting: Fate = { code: 'HOST_UNAVAILABLE', retryable: true }
  const script: Fate[] = [{ code: 'HOST_LOST' }, starting, { after: 99, code: 'BRIDGE_LOST' }, starting, starting]
  const { ids, asked, outcome } = await run({}, ...script)
  expect([outcome, ids]).toEqual([null, wholeIds])
  expect(asked.map(({ from }) => from)).toEqual([0, 0, 0, 99, 99, 99])
})

test('it is bounded by `retry`, and what came stays', async () => {
  const lost: Fate = { code: 'BRIDGE_LOST' }
  const { answer, ids, asked, outcome } = await run(
    { retry: { ...QUICK, retries: 2 } },
    { after: 200, code: 'HOST_LOST' },
    lost,
    lost
  )
  expect(outcome).toMatchObject({ code: 'MAX_RETRIES_EXCEEDED', cause: { code: 'BRIDGE_LOST' } })
  expect(asked.map(({ from }) => from)).toEqual([0, 200, 200])
  expect(ids).toEqual(wholeIds.slice(0, ids.length))
  expect(ALL.startsWith(answer.text) && answer.text.length > 0).toBe(true)
  expect((await run({ retry: false }, lost)).outcome).toMatchObject({ code: 'BRIDGE_LOST' })
})

test.each([
  'DURABLE_UNKNOWN',
  'DURABLE_CONFLICT',
  'GAP',
  'DETACHED_TOO_LONG',
  'SPOOL_FULL',
  'UPSTREAM_RESET',
  'HOST_UNAVAILABLE',
  'STOPPED_BY_USER',
  'IDLE_TIMEOUT'
] as const)('%s would be the same again', async (code) => {
  for (const after of [undefined, 60]) {
    const fate: Fate = after === undefined ? { code } : { after, code }
    const { asked, outcome } = await run({}, fate)
    expect(outcome).toMatchObject({ code })
    expect(asked).toHaveLength(1)
  }
})

test('a gap behind what came ends it, and its cause says where what is kept begins', async () => {
  const { fetch } = daemon(ANSWER, { after: 60, code: 'BRIDGE_LOST' })
  let turn = 0
  const gapped: typeof fetch = (input, init) => {
    if (turn++ === 0) return fetch(input, init)
    throw new LongwireError('GAP', 'gone', 'policy', { first: 4096 })
  }
  const answer = stream('https://api.example.com/', {}, { durable: 'a', fetch: gapped, retry: QUICK })
  expect(await failureOf(answer.readToCompletion())).toMatchObject({ code: 'GAP', cause: { first: 4096 } })
})

test('an abort while it waits ends the wait', async () => {
  const aborter = new AbortController()
  const { fetch, asked } = daemon(ANSWER, { after: 60, code: 'BRIDGE_LOST' })
  const onStatus = ({ state }: StreamStatus) => {
    if (state === 'waiting') aborter.abort('enough')
  }
  const options = { durable: 'a', fetch, retry: { delay: 60_000 }, onStatus } as StreamOptions
  const answer = stream('https://api.example.com/', { signal: aborter.signal }, options)
  expect(await failureOf(answer.readToCompletion())).toMatchObject({ code: 'ABORTED', cause: 'enough' })
  expect(asked).toHaveLength(1)
})

test('`retry()` on what is over reads the same answer from its beginning', async () => {
  const { answer, asked } = await run({})
  const again = answer.retry()
  expect(await again.readToCompletion()).toMatchObject({ text: ALL })
  expect(asked.map(({ from }) => from)).toEqual([0, 0])
})

test('what the host is told beside it stays', async () => {
  const { fetch, longwires } = daemon(ANSWER)
  const init = { longwire: { idleTimeout: 5 } }
  await stream('https://api.example.com/', init, {
    durable: 'a',
    fetch,
    headerTimeout: 77
  } as StreamOptions).readToCompletion()
  expect(longwires).toEqual([{ headerTimeout: 77, idleTimeout: 5, durable: { key: 'a', from: 0 } }])
})

test.each([
  [{ durable: 7 as unknown as string }, {}, 'is not the name of a key'],
  [{ durable: 'a', resume: true }, {}, 'leave out `resume`'],
  [{ durable: 'a' }, { method: 'POST', body: new ReadableStream() }, 'a body that is whole']
])('what cannot be durable is refused at once (%#)', (options, init, says) => {
  expect(() => stream('https://api.example.com/', init, options)).toThrow(says)
})

const page = globalThis as { longwire?: unknown }

afterEach(() => {
  delete page.longwire
})

test('where no fetch is named it is the host that is asked, and never the browser alone', async () => {
  const alone = stream('https://api.example.com/', {}, { durable: 'a', retry: QUICK })
  expect(await failureOf(alone.readToCompletion())).toMatchObject({ code: 'HOST_UNAVAILABLE' })
  const { fetch, asked } = daemon(ANSWER, { after: 60, code: 'BRIDGE_LOST' })
  page.longwire = { fetch }
  const answer = stream('https://api.example.com/', {}, { durable: 'a', retry: QUICK })
  expect(await answer.readToCompletion()).toMatchObject({ text: ALL })
  expect(asked).toHaveLength(2)
})

test('a generation goes on likewise, without a `retry` of its own and with one', async () => {
  const content = (text: string) => `data: ${JSON.stringify({ requestId: 'r', type: 'content', text, index: 0 })}\n\n`
  const complete = 'data: {"requestId":"r","type":"complete","finishReason":"stop","model":"m","provider":"p"}\n\n'
  for (const retry of [undefined, QUICK]) {
    const { fetch, asked } = daemon(['Zwölf ', 'Boxkämpfer'].map(content).join('') + complete, {
      after: 70,
      code: 'HOST_LOST'
    })
    page.longwire = { fetch }
    const request = { provider: 'p', messages: [{ role: 'user' as const, content: 'x' }] }
    const answer = generate(request, { durable: 'a', ...(retry && { retry }) })
    expect(await answer.readToCompletion()).toMatchObject({ text: 'Zwölf Boxkämpfer' })
    expect(asked.map(({ key, from }) => [key, from])).toEqual([
      ['a', 0],
      ['a', 70]
    ])
  }
  expect(() => generate({ provider: 'p' }, { retry: QUICK })).toThrow('is not an option of generate()')
})
