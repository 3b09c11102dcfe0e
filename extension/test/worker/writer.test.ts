// Where the writer is, and what it is told of its settings.

import { expect, test } from 'vitest'
import type { Port } from '../../src/platform/platform'
import { readWriterSettings, USUAL_SETTINGS, WRITER_SETTINGS } from '../../src/shared/writer-settings'
import { STORED_WRITER_PAGES } from '../../src/worker/sites'
import { WriterDesk } from '../../src/worker/writer-desk'
import { WriterPages } from '../../src/worker/writer-pages'

const APP = 'https://app.example.com'

class FakeStorage {
  stored: Record<string, unknown> = {}
  fails = false

  async get(key: string): Promise<Record<string, unknown>> {
    if (this.fails) throw new Error('Storage is broken')
    return { [key]: this.stored[key] }
  }

  async set(items: Record<string, unknown>): Promise<void> {
    Object.assign(this.stored, items)
  }
}

class FakePort implements Port {
  readonly posted: unknown[] = []
  disconnected = false
  #ended: () => void = () => undefined
  say: (message: unknown) => void = () => undefined
  readonly onMessage = {
    addListener: (listener: (message: unknown) => void) => {
      this.say = listener
    }
  }
  readonly onDisconnect = {
    addListener: (listener: () => void) => {
      this.#ended = listener
    }
  }

  postMessage(message: unknown): void {
    if (this.disconnected) throw new Error('Attempting to use a disconnected port object')
    this.posted.push(message)
  }

  disconnect(): void {
    this.disconnected = true
  }

  end(): void {
    this.disconnected = true
    this.#ended()
  }
}

const known = (pages: WriterPages) => new Promise<void>((resolve) => pages.whenKnown(resolve))

test('there is a writer where the last policy said, and nowhere else', async () => {
  const storage = new FakeStorage()
  storage.stored[STORED_WRITER_PAGES] = [APP, 'https://*.tools.example.com', 7, 'nonsense']
  const pages = new WriterPages(storage)
  expect(pages.refusal(APP)).toContain('does not have the writer on this page')
  await known(pages)
  expect(pages.refusal(APP)).toBeNull()
  expect(pages.refusal('https://a.tools.example.com')).toBeNull()
  for (const other of ['https://tools.example.com', 'http://app.example.com', 'https://app.example.com:8443', 'null']) {
    expect(pages.refusal(other)).toContain('[writer] pages')
  }
})

test('what a host says counts, also before the storage has answered', async () => {
  const storage = new FakeStorage()
  storage.stored[STORED_WRITER_PAGES] = [APP]
  const pages = new WriterPages(storage)
  pages.are([])
  await known(pages)
  await Promise.resolve()
  expect(pages.refusal(APP)).not.toBeNull()
})

test('a storage that cannot be read names no page', async () => {
  const storage = new FakeStorage()
  storage.fails = true
  const pages = new WriterPages(storage)
  await known(pages)
  expect(pages.refusal(APP)).not.toBeNull()
})

test.each([
  ['nothing', undefined, USUAL_SETTINGS],
  ['no table', 'x', USUAL_SETTINGS],
  ['nobody’s types', { provider: 7, model: {}, language: null, template: [] }, USUAL_SETTINGS],
  ['nothing but space', { provider: ' ', model: '', language: '  ', template: '' }, USUAL_SETTINGS],
  [
    'what somebody set, and more',
    { provider: 'p', model: 'm', language: 'Deutsch', template: '{{diff}}', more: 1 },
    { provider: 'p', model: 'm', language: 'Deutsch', template: '{{diff}}' }
  ]
])('stored settings: %s', (_, stored, settings) => expect(readWriterSettings(stored)).toEqual(settings))

test('a writer is told its settings at once and after each change, until it is gone', async () => {
  const storage = new FakeStorage()
  const desk = new WriterDesk(storage, () => undefined)
  const port = new FakePort()
  const gone = new FakePort()
  desk.open(port, () => null)
  desk.open(gone, () => null)
  await desk.changed()
  const count = port.posted.length
  gone.end()
  storage.stored[WRITER_SETTINGS] = { language: 'Deutsch' }
  await desk.changed()
  expect(port.posted.slice(count)).toEqual([{ type: 'SETTINGS', settings: { ...USUAL_SETTINGS, language: 'Deutsch' } }])
  expect(gone.posted).toHaveLength(count)
})

test('who is no writer is told so, and nothing of the settings, now or later', async () => {
  const storage = new FakeStorage()
  storage.stored[WRITER_SETTINGS] = { template: 'ours' }
  const desk = new WriterDesk(storage, () => undefined)
  const port = new FakePort()
  desk.open(port, () => 'Not here.')
  await desk.changed()
  expect(port.posted).toEqual([{ type: 'REFUSED', message: 'Not here.' }])
  expect(port.disconnected).toBe(true)
})

test('a writer has the settings page opened, and who is none does not', () => {
  let opened = 0
  const desk = new WriterDesk(new FakeStorage(), () => {
    opened += 1
  })
  const [port, refused] = [new FakePort(), new FakePort()]
  desk.open(port, () => null)
  desk.open(refused, () => 'Not here.')
  for (const message of [{ type: 'OPEN_SETTINGS' }, null, 'OPEN_SETTINGS', { type: 'OPEN' }]) {
    port.say(message)
    refused.say(message)
  }
  expect(opened).toBe(1)
})

test('what a writer says before it is known whether it may is not lost', () => {
  let opened = 0
  const held: (() => void)[] = []
  const desk = new WriterDesk(new FakeStorage(), () => {
    opened += 1
  })
  const [port, refused] = [new FakePort(), new FakePort()]
  desk.open(
    port,
    () => null,
    (act) => held.push(act)
  )
  desk.open(
    refused,
    () => 'Not here.',
    (act) => held.push(act)
  )
  for (const each of [port, refused]) each.say({ type: 'OPEN_SETTINGS' })
  expect(opened).toBe(0)
  for (const act of held) act()
  expect(opened).toBe(1)
})
