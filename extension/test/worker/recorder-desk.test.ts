// Who may speak to the recorder, and what it answers.

import { beforeEach, expect, test, vi } from 'vitest'
import type { FromRecorder, ToRecorder } from '../../src/recording/desk'
import { Observer } from '../../src/worker/observer'
import { Recorder } from '../../src/worker/recorder'
import { isRecordersPage, RecorderDesk } from '../../src/worker/recorder-desk'
import { MemoryStore } from '../recording/memory-store'
import { switchesOf } from './fakes'

const extension = { id: 'a'.repeat(32), origin: `chrome-extension://${'a'.repeat(32)}` }
const own = { id: extension.id, origin: extension.origin }

test.each([
  ['the popup', { ...own, url: `${extension.origin}/popup.html#tab=1` }, true],
  ['the dashboard', { ...own, url: `${extension.origin}/dashboard.html` }, true],
  ['another page of the extension', { ...own, url: `${extension.origin}/direct.html` }, false],
  ['a content script', { id: extension.id, origin: 'https://a.example', url: 'https://a.example/popup.html' }, false],
  ['another extension', { ...own, id: 'b'.repeat(32), url: `${extension.origin}/popup.html` }, false],
  ['nobody', undefined, false]
])('%s', (_, sender, may) => {
  expect(isRecordersPage(sender, extension)).toBe(may)
})

class Port {
  readonly said: FromRecorder[] = []
  #listener: (message: unknown) => void | Promise<void> = () => undefined
  #gone: () => void = () => undefined
  readonly onMessage = {
    addListener: (listener: (message: unknown) => void) => {
      this.#listener = listener
    }
  }
  readonly onDisconnect = {
    addListener: (listener: () => void) => {
      this.#gone = listener
    }
  }
  postMessage(message: unknown): void {
    this.said.push(message as FromRecorder)
  }
  async hear(message: ToRecorder): Promise<void> {
    await this.#listener(message)
    // A list is made of the store's, which takes turns.
    await new Promise((done) => setTimeout(done))
  }
  close(): void {
    this.#gone()
  }
}

let port: Port
const store = new MemoryStore()

beforeEach(() => {
  store.recordings.clear()
  port = new Port()
  new RecorderDesk(new Recorder(new Observer(), store, false, switchesOf({})), () => undefined).open(port)
})

const names = (message: FromRecorder | undefined) =>
  message?.type === 'RECORDINGS' ? message.recordings.map(({ title, state }) => [title, state]) : null

test('it records a site, says so, stops and forgets it', async () => {
  await port.hear({ type: 'LIST' })
  expect(names(port.said.at(-1))).toEqual([])
  await port.hear({ type: 'RECORD_SITE', origin: 'https://a.example', private: false })
  expect(names(port.said.at(-1))).toEqual([['https://a.example', 'running']])
  const [id = ''] = store.recordings.keys()
  await port.hear({ type: 'STOP', recording: id })
  expect(names(port.said.at(-1))).toEqual([['https://a.example', 'stopped']])
  await port.hear({ type: 'REMOVE', recording: id })
  expect(names(port.said.at(-1))).toEqual([])
  port.close()
})

test('what cannot be is said', async () => {
  await port.hear({ type: 'RECORD_STREAM', stream: 9, private: false })
  expect(port.said.at(-1)).toEqual({ type: 'NO_RECORDING', message: 'This stream has ended.' })
  await port.hear({ type: 'FLUSH', request: 3 })
  expect(port.said.at(-1)).toEqual({ type: 'FLUSHED', request: 3 })
  port.close()
})

test('a storage that fails is said, and not what it says', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  store.put = async () => {
    throw new Error('/home/somebody/secret')
  }
  await port.hear({ type: 'RECORD_SITE', origin: 'https://a.example', private: false })
  expect(port.said.at(-1)).toEqual({ type: 'NO_RECORDING', message: 'The browser’s storage failed.' })
  port.close()
})
