// What popup and dashboard do with recordings, against a recorder that is the worker's own.

import { beforeEach, expect, test, vi } from 'vitest'
import { RECORDER_PORT, RecorderControls } from '../../src/recording/controls'
import type { KeptRecording } from '../../src/recording/store'
import { Bridge } from '../../src/worker/bridge'
import { Observer } from '../../src/worker/observer'
import { Recorder } from '../../src/worker/recorder'
import { RecorderDesk, type RecorderPort } from '../../src/worker/recorder-desk'
import { fileOf, piece, request, response } from '../exports/recorded'
import { FakeLink, peerOf, switchesOf } from '../worker/fakes'
import { chunk, headers, PAGE, start } from '../worker/samples'
import { MemoryStore } from './memory-store'

type Listener = (message: never) => void

/** A runtime port: what one end says the other hears, in another turn. */
function ports(): [RecorderPort & { readonly name: string }, RecorderPort] {
  const heard: [Listener[], Listener[]] = [[], []]
  const end = (own: 0 | 1) => ({
    name: RECORDER_PORT,
    postMessage: (message: unknown) => {
      const copy = structuredClone(message)
      queueMicrotask(() => {
        for (const listener of heard[own === 0 ? 1 : 0]) listener(copy as never)
      })
    },
    onMessage: { addListener: (listener: Listener) => void heard[own].push(listener) },
    onDisconnect: { addListener: () => undefined }
  })
  return [end(0), end(1)] as never
}

const store = new MemoryStore()
let bridge: Bridge
let link: FakeLink
let controls: RecorderControls
let recordings: readonly KeptRecording[] = []
const refused: string[] = []

beforeEach(() => {
  store.recordings.clear()
  store.lines.clear()
  recordings = []
  const observer = new Observer()
  link = new FakeLink()
  bridge = new Bridge(link, observer)
  const recorder = new Recorder(observer, store, false, switchesOf({}))
  observer.listen(recorder)
  const desk = new RecorderDesk(recorder, (shown) => shown - 1_000)
  const connect = (name: string) => {
    expect(name).toBe(RECORDER_PORT)
    const [page, worker] = ports()
    desk.open(worker)
    return page
  }
  const events = {
    recordings: (all: readonly KeptRecording[]) => {
      recordings = all
    },
    refused: (message: string) => void refused.push(message)
  }
  controls = new RecorderControls(connect, '1.0', events, store)
  controls.watch()
})

test('a recording is started, saved while it goes on, stopped and removed', async () => {
  controls.startSite(PAGE.origin, false)
  await vi.waitUntil(() => recordings[0]?.state === 'running')
  bridge.fromPage(peerOf(), start(5))
  const id = link.starts[0]?.id ?? 0
  bridge.fromHost(headers(id))
  for (let n = 0; n < 5000; n++) bridge.fromHost(chunk(id, 2 * n))
  const text = await controls.text(recordings[0] as KeptRecording)
  const [head, first, second] = text.split('\n').map((line) => line && JSON.parse(line))
  expect(head).toMatchObject({ longwire_recording: 1, made_by: 'longwire 1.0' })
  expect([first.type, second.type]).toEqual(['request', 'response'])
  // What could be the beginning of a credential waits for what follows.
  expect(text.match(/"type":"piece"/g)?.length).toBeGreaterThan(500)
  controls.stop(recordings[0]?.id ?? '')
  await vi.waitUntil(() => recordings[0]?.state === 'stopped')
  controls.remove(recordings[0]?.id ?? '')
  await vi.waitUntil(() => recordings.length === 0)
})

test('a file is imported as it is, and what is none is refused', async () => {
  const file = fileOf(request(), response('text/plain'), piece(300, 'hello'))
  await controls.import('a.jsonl', file)
  await vi.waitUntil(() => recordings.length === 1)
  expect(recordings[0]).toMatchObject({ title: 'a.jsonl', state: 'stopped', streams: 1, origin: null })
  const text = await controls.text(recordings[0] as KeptRecording)
  expect(text.split('\n').slice(1).join('\n')).toBe(file.split('\n').slice(1).join('\n'))
  await expect(controls.import('b.jsonl', 'hello')).rejects.toThrow('no recording')
  expect(recordings).toHaveLength(1)
  await store.put({ ...(recordings[0] as KeptRecording), id: 'large', cost: 256 * 1024 * 1024 })
  await expect(controls.import('c.jsonl', file)).rejects.toThrow('Delete some first')
})

test('what cannot be is told', async () => {
  controls.startStream(99, false)
  await vi.waitUntil(() => refused.length > 0)
  expect(refused).toEqual(['This stream has ended.'])
})

test('one stream is recorded by the number that the dashboard has of it, and says so', async () => {
  bridge.fromPage(peerOf(), start(5))
  const id = link.starts[0]?.id ?? 0
  bridge.fromHost(headers(id))
  controls.startStream(1_000 + id, false)
  await vi.waitUntil(() => recordings[0]?.state === 'running')
  expect(recordings[0]).toMatchObject({ stream: 1_000 + id, title: 'GET api.example.com' })
})
