// A whole run over doubles of what it stands on.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { StreamError } from '../../src/client/errors'
import type { GenerationStreamEvent } from '../../src/client/generate'
import type { GenerationRequest } from '../../src/client/generation'
import type { WriterSettings } from '../../src/shared/writer-settings'
import type { Editor, PullRequest, WritingEvent } from '../../src/writer/model'
import { MAX_TEXT_LENGTH, MAX_TOKENS, Run, type RunParts } from '../../src/writer/run/run'
import { FakeEditor } from './fake-editor'

const PULL_REQUEST: PullRequest = {
  title: 'Count twice',
  source: 'feature',
  target: 'main',
  author: 'ada',
  diff: '+1',
  stats: { files: 1, added: 1, deleted: 0, bytes: 2 }
}

type Said = Pick<GenerationStreamEvent, 'data' | 'text'>

const content = (text: string): Said => ({ data: { type: 'content', text, index: 0, requestId: 'r' }, text }) as Said
const COMPLETE = {
  data: {
    type: 'complete',
    requestId: 'r',
    finishReason: 'stop',
    usage: { outputTokens: 3, estimated: false },
    model: 'm',
    provider: 'p',
    timings: { total: 1, overhead: 0 }
  },
  text: ''
} as Said

/** An answer that the test speaks. */
class Answer {
  readonly #queue: (Said | Error | null)[] = []
  #wake: () => void = () => {}
  signal: AbortSignal | null = null
  say(...items: (Said | Error | null)[]): void {
    this.#queue.push(...items)
    this.#wake()
  }
  async *read(signal: AbortSignal): AsyncGenerator<Said> {
    this.signal = signal
    for (;;) {
      signal.throwIfAborted()
      const item = this.#queue.shift()
      if (item === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
      } else if (item === null) return
      else if (item instanceof Error) throw item
      else yield item
    }
  }
}

let editor: FakeEditor
let found: Editor | null
let answer: Answer
let told: WritingEvent[]
let settings: WriterSettings
let asked: GenerationRequest[]
let filled: Parameters<RunParts['prompt']>[]

beforeEach(() => {
  vi.useFakeTimers()
  editor = new FakeEditor()
  found = editor
  answer = new Answer()
  told = []
  asked = []
  filled = []
  settings = { provider: null, model: null, language: 'English', template: null }
})

afterEach(() => {
  // Whatever happened: nothing of a run is left behind.
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

function start(parts: Partial<RunParts> = {}, why = '', replace = false): Run {
  return new Run(
    {
      findEditor: () => found,
      readPullRequest: async () => ({ pullRequest: PULL_REQUEST, cut: null }),
      prompt: (...given) => {
        filled.push(given)
        return `Describe ${given[1].title}`
      },
      neutralise: (text) => ({ text, count: 0 }),
      settings: async () => settings,
      offers: async () => [
        { name: 'first', models: ['m-1'] },
        { name: 'second', models: ['m-2'] }
      ],
      generate: (request, { signal }) => {
        asked.push(request)
        return answer.read(signal as AbortSignal)
      },
      tell: (event) => void told.push(event),
      now: () => Date.now(),
      ...parts
    },
    why,
    replace
  )
}

const lastPhase = (): WritingEvent | undefined => told.filter(({ type }) => type === 'phase').at(-1)
const failure = () => told.find((event) => event.type === 'failed')
/** Let all happen that needs no time. */
const settle = () => vi.advanceTimersByTimeAsync(0)

test.each([true, false])('a person’s words may go only if they agreed: %s', async (replace) => {
  const run = start({}, '', replace)
  answer.say(content('It counts.'), COMPLETE, null)
  await run.ended
  expect(editor.replace).toBe(replace)
})

test('a text gets into the editor below what stands there', async () => {
  const run = start({}, 'To count right')
  answer.say(content('It counts'), content(' twice.'), COMPLETE, null)
  await run.ended
  expect(editor.text).toBe('Template\n\nIt counts twice.')
  expect([editor.begun, editor.finished]).toEqual([1, 1])
  expect(lastPhase()).toEqual({ type: 'phase', phase: 'done', text: 'Done (3 tokens)' })
  expect(asked).toEqual([
    { provider: 'first', messages: [{ role: 'user', content: 'Describe Count twice' }], maxTokens: MAX_TOKENS }
  ])
  expect(filled).toEqual([[null, PULL_REQUEST, { language: 'English', why: 'To count right' }]])
})

describe('whom it asks', () => {
  test('is what the settings say', async () => {
    settings = { ...settings, provider: 'second', model: 'm-2' }
    answer.say(content('x'), COMPLETE, null)
    await start().ended
    expect(asked[0]).toMatchObject({ provider: 'second', model: 'm-2' })
  })

  test('is never another one than was chosen', async () => {
    settings = { ...settings, provider: 'third' }
    await start().ended
    expect(failure()).toMatchObject({ code: 'PROVIDER_NOT_OFFERED' })
    expect(failure()?.type === 'failed' && failure()).toMatchObject({ text: expect.stringContaining('first, second') })
    expect(asked).toEqual([])
  })

  test('is nobody where the policy names nobody', async () => {
    await start({ offers: async () => [] }).ended
    expect(failure()).toMatchObject({ code: 'NO_PROVIDER', text: expect.stringContaining('principal = "writer"') })
  })
})

test.each([
  ['settings', { settings: () => new Promise<never>(() => {}) }],
  ['a diff', { readPullRequest: () => new Promise<never>(() => {}) }],
  ['an answer', {}]
] as [string, Partial<RunParts>][])('it is stopped while it waits for %s', async (_, parts) => {
  const run = start(parts)
  await settle()
  run.stop()
  await run.ended
  expect(lastPhase()).toEqual({ type: 'phase', phase: 'stopped', text: 'Stopped' })
  expect(editor.text).toBe('Template')
})

test('an answer that never ends is ended where no site would save more', async () => {
  const run = start()
  answer.say(content('a'.repeat(MAX_TEXT_LENGTH)), content('b'), content('c'))
  await run.ended
  expect(failure()).toMatchObject({ code: 'TOO_LONG' })
  expect([run.text.length, editor.finished, answer.signal?.aborted]).toEqual([MAX_TEXT_LENGTH, 1, true])
})

test('a stop keeps what is there, the part that waited to be shown too', async () => {
  const run = start()
  answer.say(content('one '), content('two'))
  await settle()
  run.stop()
  await run.ended
  expect(editor.text).toBe('Template\n\none two')
  expect([editor.finished, answer.signal?.aborted]).toEqual([1, true])
  expect(lastPhase()).toMatchObject({ phase: 'stopped', text: 'Stopped (2 tokens)' })
  run.stop()
  expect(told.filter((event) => event.type === 'phase' && event.phase === 'stopped')).toHaveLength(1)
})

test('a page that is about something else gets nothing more', async () => {
  const run = start()
  answer.say(content('one '))
  await settle()
  answer.say(content('two'))
  await settle()
  run.abandon()
  await run.ended
  expect([editor.text, editor.finished]).toEqual(['Template\n\none ', 0])
  expect(answer.signal?.aborted).toBe(true)
})

test('an editor of another pull request is not written in even before the page says that it went on', async () => {
  const run = start()
  await settle()
  found = null
  answer.say(content('one'), COMPLETE, null)
  await run.ended
  expect([editor.text, editor.begun]).toEqual(['Template', 0])
  expect(failure()).toMatchObject({ code: 'EDITOR_GONE' })
  expect(run.text).toBe('one')
})

test('a failure in the middle keeps what came, and says what to do and when', async () => {
  const run = start()
  const error = new StreamError('RATE_LIMITED', 'too many requests', { retryAfter: 7_000 })
  answer.say(content('one'), content(' two'), error)
  await run.ended
  expect([editor.text, editor.finished]).toEqual(['Template\n\none two', 1])
  expect(failure()).toEqual({
    type: 'failed',
    code: 'RATE_LIMITED',
    text: 'Too many requests. Write again later, or choose another provider in the settings.',
    retryAfterMs: 7_000
  })
})

test.each([
  ['nothing', [COMPLETE, null], 'NO_TEXT'],
  ['white space', [content(' \n'), COMPLETE, null], 'NO_TEXT'],
  ['no end', [content('one'), null], 'ENDED_EARLY']
] as [string, (Said | null)[], string][])('an answer of %s is none', async (_, said, code) => {
  answer.say(...said)
  await start().ended
  expect(failure()).toMatchObject({ code })
})

test.each([
  ['settings', { settings: () => Promise.reject(new StreamError('BRIDGE_LOST', 'the extension was updated')) }],
  ['a diff', { readPullRequest: () => Promise.reject(new StreamError('BRIDGE_LOST', 'the extension was updated')) }],
  [
    'a template',
    {
      prompt: () => {
        throw new StreamError('BRIDGE_LOST', 'the extension was updated')
      }
    }
  ]
] as [string, Partial<RunParts>][])('what fails before the request says so: %s', async (_, parts) => {
  await start(parts).ended
  expect(failure()).toMatchObject({ code: 'BRIDGE_LOST', text: 'The extension was updated. Reload this page.' })
  expect(asked).toEqual([])
})

test('it tells how far it is', async () => {
  const run = start()
  answer.say(content('x'.repeat(40)))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(told.filter(({ type }) => type === 'progress').at(-1)).toMatchObject({ tokens: 10, elapsedMs: 1_000 })
  expect(lastPhase()).toMatchObject({ text: 'Writing (10 tokens)…' })
  run.stop()
  await run.ended
})
