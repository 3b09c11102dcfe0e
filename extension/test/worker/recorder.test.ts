// What a recording has of what the bridge carried: everything, once, without credentials, and within its limits.

import { deflateSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { bodyOf, messagesOf, parseRecording, type RecordedStream } from '../../src/recording/file'
import { Admission } from '../../src/worker/admission'
import { Bridge } from '../../src/worker/bridge'
import { type ObservedStream, Observer } from '../../src/worker/observer'
import { NoRecording, Recorder } from '../../src/worker/recorder'
import { HELD_BYTES } from '../../src/worker/running-recording'
import type { SiteSwitches } from '../../src/worker/site-switches'
import { MemoryStore } from '../recording/memory-store'
import { FakeLink, type FakePeer, peerOf, switchesOf } from './fakes'
import { aborted, chunk, end, error, headers, PAGE, start } from './samples'

const HEAD = '{"longwire_recording":1,"made_by":"test","made_at":"2026-12-01T00:00:00Z"}\n'
const KEY = 'planted-key-of-a-page'

let store: MemoryStore
let link: FakeLink
let observer: Observer
let bridge: Bridge
let recorder: Recorder
let page: FakePeer
let kept: Record<string, unknown>
let switches: SiteSwitches
let judged: Promise<void>

/** A worker starts. */
function begin(isPrivate = false, limits?: { one: number; all: number; least: number }): void {
  link = new FakeLink()
  observer = new Observer()
  bridge = new Bridge(link, observer)
  switches = switchesOf(kept, () => {
    judged = recorder.judgeAgain()
  })
  recorder = new Recorder(observer, store, isPrivate, switches, limits)
  observer.listen(recorder)
  page = peerOf()
}

beforeEach(() => {
  store = new MemoryStore()
  kept = {}
  begin()
})
afterEach(() => vi.restoreAllMocks())

function open(pageId = 5, changes = {}): number {
  bridge.fromPage(page, start(pageId, changes))
  return link.starts.at(-1)?.id as number
}

const base64 = (data: string | Uint8Array) => Buffer.from(data).toString('base64')

async function recorded(id: string): Promise<RecordedStream[]> {
  await recorder.flush()
  return [...parseRecording(HEAD + (await store.text(id))).streams]
}

const text = (stream: RecordedStream | undefined, way: 'up' | 'down' = 'down') =>
  new TextDecoder().decode(bodyOf(stream?.[way] ?? []))

describe('a site that is recorded', () => {
  test('has its streams whole, heads and both bodies, without the credentials of the page', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    const asked = [['x-api-key', KEY]]
    const body = { kind: 'inline', data: new TextEncoder().encode(`{"api_key":"${KEY}"}`) }
    const hostId = open(5, { method: 'POST', url: 'https://api.example.com/v1?key=abc', headers: asked, body })
    bridge.fromHost(headers(hostId))
    bridge.fromHost(chunk(hostId, 0, base64('one ')))
    bridge.fromHost(chunk(hostId, 4, base64(`you sent ${KEY}`)))
    bridge.fromHost(end(hostId, 34))
    const [stream] = await recorded(id)
    expect(stream?.request).toMatchObject({ page: PAGE.origin, method: 'POST', kind: 'http' })
    expect(stream?.request.url).toBe('https://api.example.com/v1?key=(secret:key)')
    expect(stream?.request.headers).toEqual([['x-api-key', '(secret:x-api-key)']])
    expect(stream?.response?.status).toBe(200)
    expect(text(stream, 'up')).toBe(`{"api_key":"${'*'.repeat(KEY.length)}"}`)
    expect(text(stream)).toBe(`one you sent ${'*'.repeat(KEY.length)}`)
    expect(stream?.down).toHaveLength(2)
    expect(stream?.end).toMatchObject({ how: 'whole', bytes: 34 })
    expect(JSON.stringify([...store.lines])).not.toContain(KEY)
    // The server got what the page sent.
    expect(link.starts[0]?.body).toEqual({ kind: 'inline', data: base64(`{"api_key":"${KEY}"}`) })
  })

  test('has no credential of one of its streams in another', async () => {
    await recorder.startSite(PAGE.origin, false)
    bridge.fromHost(error(open(5, { headers: [['x-api-key', KEY]] })))
    const hostId = open(6)
    bridge.fromHost(headers(hostId))
    bridge.fromHost(chunk(hostId, 0, base64(`again ${KEY}`)))
    bridge.fromHost(end(hostId))
    await recorder.flush()
    expect(JSON.stringify([...store.lines])).not.toContain(KEY)
  })

  test('has what came after the page stopped it', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    const hostId = open()
    bridge.fromHost(headers(hostId))
    bridge.fromHost(chunk(hostId, 0, base64('seen ')))
    bridge.fromPage(page, { type: 'STREAM_ABORT', id: 5, reason: 'cancel' })
    bridge.fromHost(chunk(hostId, 5, base64('and on the way')))
    bridge.fromHost(aborted(hostId))
    const [stream] = await recorded(id)
    expect(text(stream)).toBe('seen and on the way')
    expect(stream?.end).toMatchObject({ how: 'stopped', reason: 'cancel' })
  })

  test('has how a stream failed', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    bridge.fromHost(error(open()))
    expect((await recorded(id))[0]?.end).toMatchObject({ how: 'error', code: 'UPSTREAM_RESET', phase: 'headers' })
  })

  test('has a body that is uploaded, also the second time', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    const hostId = open(5, { method: 'POST', body: { kind: 'stream', repeatable: true } })
    bridge.fromPage(page, { type: 'STREAM_BODY', id: 5, offset: 0, data: new TextEncoder().encode('first') })
    bridge.fromHost({ type: 'STREAM_BODY_AGAIN', id: hostId, again: 1 })
    bridge.fromPage(page, { type: 'STREAM_BODY', id: 5, offset: 0, again: 1, data: new TextEncoder().encode('secon') })
    bridge.fromPage(page, { type: 'STREAM_BODY', id: 5, offset: 5, again: 1, data: new TextEncoder().encode('d') })
    bridge.fromHost(error(hostId))
    expect(text((await recorded(id))[0], 'up')).toBe('second')
  })

  test('has chunks that were compressed as they are', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    const hostId = open()
    const body = 'data: hello\n\n'.repeat(1000)
    bridge.fromHost(headers(hostId))
    const packed = { ...chunk(hostId, 0, base64(deflateSync(body))), encoding: 'deflate' as const, size: body.length }
    bridge.fromHost(packed)
    bridge.fromHost(chunk(hostId, body.length, base64('end')))
    bridge.fromHost(end(hostId))
    expect(text((await recorded(id))[0])).toBe(`${body}end`)
    expect((await recorder.list())[0]?.cost).toBeGreaterThan(body.length)
  })

  test('has a socket’s messages, with their parts, whatever the chunks are', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    const hostId = open(5, { url: 'wss://api.example.com/feed', protocols: ['feed', `key.${'k'.repeat(70)}`] })
    bridge.fromHost({ ...headers(hostId), status: 101 })
    const part = (kind: number, data: string) => [kind, 0, 0, 0, data.length, ...new TextEncoder().encode(data)]
    const bytes = new Uint8Array([
      ...part(1, '{"password":"pla'),
      ...part(0x81, 'nted"}'),
      ...part(0x82, ''),
      ...part(0x88, '\u0003x')
    ])
    for (let at = 0; at < bytes.length; at += 7) {
      bridge.fromHost(chunk(hostId, at, base64(bytes.slice(at, at + 7))))
    }
    bridge.fromPage(page, { type: 'STREAM_BODY', id: 5, offset: 0, data: new Uint8Array(part(0x81, 'hi')) })
    bridge.fromHost(end(hostId))
    const [stream] = await recorded(id)
    expect(stream?.request.protocols).toEqual(['feed', 'key.(secret:protocol)'])
    const told = (parts: RecordedStream['down']) =>
      messagesOf(parts).map(({ opcode, data }) => [opcode, new TextDecoder().decode(data)])
    expect(told(stream?.down ?? [])).toEqual([
      [1, '{"password":"planted"}'],
      [2, ''],
      [8, '\u0003x']
    ])
    expect(told(stream?.up ?? [])).toEqual([[1, 'hi']])
  })

  test('has nothing of another site, and another recording has nothing of it', async () => {
    const mine = await recorder.startSite(PAGE.origin, false)
    const others = await recorder.startSite('https://other.example.com', false)
    bridge.fromHost(error(open()))
    expect(await recorded(mine)).toHaveLength(1)
    expect(await store.text(others)).toBe('')
  })

  test('has nothing of what comes after it was stopped', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    const hostId = open()
    bridge.fromHost(headers(hostId))
    bridge.fromHost(chunk(hostId, 0, base64('before')))
    await recorder.stop(id)
    bridge.fromHost(chunk(hostId, 6, base64('after')))
    bridge.fromHost(end(hostId))
    open(6)
    const streams = await recorded(id)
    expect(streams.map((stream) => text(stream))).toEqual(['before'])
    expect(streams[0]?.end).toBeNull()
    expect((await recorder.list())[0]?.state).toBe('stopped')
  })
})

describe('while nobody records', () => {
  test('no stream is tapped and nothing is written', async () => {
    await recorder.list()
    const tap = vi.spyOn(observer, 'tap')
    const hostId = open()
    bridge.fromHost(headers(hostId))
    bridge.fromHost(chunk(hostId))
    bridge.fromHost(end(hostId))
    expect(tap).not.toHaveBeenCalled()
    expect(store.recordings.size).toBe(0)
  })
})

describe('a worker that was stopped', () => {
  test('goes on with a site, from the first stream on', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    bridge.fromHost(error(open()))
    await recorder.flush()
    begin()
    // Before the store has said what runs.
    const hostId = open(5, { headers: [['x-api-key', KEY]] })
    bridge.fromHost(headers(hostId))
    bridge.fromHost(chunk(hostId, 0, base64('early')))
    await recorder.list()
    bridge.fromHost(chunk(hostId, 5, base64(' and late')))
    bridge.fromHost(end(hostId))
    const streams = await recorded(id)
    expect(streams.map(({ number }) => number)).toEqual([1, 2])
    expect(text(streams[1])).toBe('early and late')
    expect(streams[1]?.end?.how).toBe('whole')
  })

  test('has taken what it did not need of others’ streams out again', async () => {
    const hostId = open()
    await recorder.list()
    const slice = vi.spyOn(Uint8Array.prototype, 'slice')
    bridge.fromHost(chunk(hostId))
    expect(slice).not.toHaveBeenCalled()
  })

  test('forgets what nobody saved when the browser starts', async () => {
    await recorder.startSite(PAGE.origin, false)
    const old = [...store.recordings.values()][0]
    if (old !== undefined) await store.put({ ...old, id: 'old', madeAt: '2020-01-01T00:00:00Z' })
    await recorder.forget()
    expect([...store.recordings.keys()]).not.toContain('old')
    expect(store.recordings.size).toBe(1)
  })
})

describe('one stream', () => {
  test('is recorded from where it is, with its heads', async () => {
    const hostId = open(5, { headers: [['accept', 'text/plain']] })
    bridge.fromHost(headers(hostId))
    bridge.fromHost(chunk(hostId, 0, base64('before')))
    const id = await recorder.startStream(hostId, false)
    bridge.fromHost(chunk(hostId, 6, base64(' after')))
    bridge.fromHost(end(hostId, 12))
    open(6)
    const streams = await recorded(id)
    expect(streams).toHaveLength(1)
    expect(streams[0]?.request).toMatchObject({ joined: 6, headers: [['accept', 'text/plain']] })
    expect(streams[0]?.response?.status).toBe(200)
    expect(text(streams[0])).toBe(' after')
  })

  test('ends its recording with it, and leaves the room to others', async () => {
    begin(false, { one: 1000, all: 2500, least: 900 })
    const [first, second, third] = [open(5), open(6), open(7)]
    for (const hostId of [first, second, third]) bridge.fromHost(headers(hostId))
    const id = await recorder.startStream(first, false, 1_000_000 + first)
    await recorder.startStream(second, false)
    await expect(recorder.startStream(third, false)).rejects.toThrow('which is the limit')
    expect((await recorder.list()).find((each) => each.id === id)).toMatchObject({ stream: 1_000_000 + first })
    bridge.fromHost(end(first))
    expect((await recorded(id))[0]?.end).toMatchObject({ how: 'whole' })
    const states = new Map((await recorder.list()).map((each) => [each.id, each.state]))
    expect([...states.values()].sort()).toEqual(['running', 'stopped'])
    expect(states.get(id)).toBe('stopped')
    await recorder.startStream(third, false)
  })

  test('is not where it is over, or a socket', async () => {
    await expect(recorder.startStream(99, false)).rejects.toThrow(NoRecording)
    const hostId = open(5, { url: 'wss://api.example.com/' })
    await expect(recorder.startStream(hostId, false)).rejects.toThrow('from its beginning')
  })
})

describe('a stream that the policy keeps out of recordings', () => {
  const unrecordable = (hostId: number) => ({ ...headers(hostId), recordable: false })
  const secret = { kind: 'inline', data: new TextEncoder().encode('what was asked') } as const
  const asked = { method: 'POST', url: 'https://api.example.com/kept-out', body: secret }

  test('is in no recording, neither what was asked nor what was answered, and counts for nothing', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    const hostId = open(5, asked)
    // All that came is written before the head says so.
    await recorder.flush()
    bridge.fromHost(unrecordable(hostId))
    bridge.fromHost(chunk(hostId, 0, base64('what was answered')))
    bridge.fromHost(end(hostId, 17))
    await recorder.flush()
    expect(await store.text(id)).toBe('')
    expect((await recorder.list())[0]).toMatchObject({ state: 'running', streams: 0, cost: 0 })
  })

  test('leaves the others as they are, which know its credentials', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    const keptOut = open(5, { ...asked, headers: [['x-api-key', KEY]] })
    const other = open(6)
    bridge.fromHost(headers(other))
    bridge.fromHost(chunk(other, 0, base64(`you sent ${KEY}`)))
    bridge.fromHost(end(other, 30))
    await recorder.flush()
    bridge.fromHost(unrecordable(keptOut))
    bridge.fromHost(end(keptOut))
    const streams = await recorded(id)
    expect(streams.map(({ number, request: { url } }) => [number, url])).toEqual([[1, 'https://api.example.com/']])
    expect(text(streams[0])).toBe(`you sent ${'*'.repeat(KEY.length)}`)
  })

  test('is not even where its page gave it up before its head, which was on the way', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    const hostId = open(5, { ...asked, method: 'GET', body: { kind: 'none' }, url: 'wss://api.example.com/kept-out' })
    bridge.fromPage(page, { type: 'STREAM_ABORT', id: 5, reason: 'cancel' })
    bridge.fromHost(unrecordable(hostId))
    bridge.fromHost(chunk(hostId, 0, base64(new Uint8Array([0x81, 0, 0, 0, 2, 104, 105]))))
    bridge.fromHost(aborted(hostId))
    await recorder.flush()
    expect(await store.text(id)).toBe('')
  })

  test('is not in one that goes on with the worker', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    begin()
    const hostId = open(5, asked)
    bridge.fromHost(unrecordable(hostId))
    bridge.fromHost(chunk(hostId))
    await recorder.flush()
    expect(await store.text(id)).toBe('')
  })

  test('is not recorded by itself, and the text names the feature', async () => {
    const hostId = open(5, asked)
    const id = await recorder.startStream(hostId, false)
    bridge.fromHost(unrecordable(hostId))
    await recorder.flush()
    expect(await store.text(id)).toBe('')
    await expect(recorder.startStream(hostId, false)).rejects.toThrow('`features` of its grant lack "record"')
  })
})

describe('a stream whose head has not come', () => {
  test('is in the recording when it comes, or fails first, and not where that is stopped before', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    const [first, second] = [open(5), open(6, { url: 'https://api.example.com/second' })]
    open(7, { url: 'https://api.example.com/third' })
    await recorder.flush()
    expect(await store.text(id)).toBe('')
    bridge.fromHost(error(second))
    bridge.fromHost(headers(first))
    await recorder.stop(id)
    const streams = await recorded(id)
    expect(streams.map(({ request: { url } }) => url)).toEqual([
      'https://api.example.com/second',
      'https://api.example.com/'
    ])
    expect(streams.map(({ number }) => number)).toEqual([1, 2])
    expect(streams[1]?.response?.status).toBe(200)
    expect((await recorder.list())[0]?.streams).toBe(2)
  })

  test('waits with no more than may wait, and says so', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    const hostId = open(5, { method: 'POST', body: { kind: 'stream', repeatable: false } })
    const size = HELD_BYTES / 128
    for (let n = 0; n < 130; n++) {
      bridge.fromPage(page, { type: 'STREAM_BODY', id: 5, offset: n * size, data: new Uint8Array(size).fill(97) })
      await recorder.flush()
    }
    expect((await recorder.list())[0]?.cost).toBeLessThanOrEqual(HELD_BYTES)
    bridge.fromHost(headers(hostId))
    bridge.fromHost(chunk(hostId))
    bridge.fromHost(end(hostId, 2))
    const [stream] = await recorded(id)
    expect(bodyOf(stream?.up ?? []).byteLength).toBe(127 * size)
    expect(stream?.end?.how).toBe('full')
    // Others go on, and have all the room again.
    const other = open(6, { method: 'POST', body: { kind: 'stream', repeatable: false } })
    for (const n of [0, 1]) {
      bridge.fromPage(page, { type: 'STREAM_BODY', id: 6, offset: n * size, data: new Uint8Array(size).fill(97) })
    }
    bridge.fromHost(error(other))
    expect((await recorded(id)).map(({ end }) => end?.how)).toEqual(['full', 'error'])
    expect((await recorder.list())[0]?.state).toBe('running')
  })
})

describe('where a person switched recording off', () => {
  const off = async () => {
    await switches.set(PAGE.origin, 'record', false)
    await judged
  }

  test('nothing of the site is recorded, and the text names the popup', async () => {
    await off()
    const hostId = open()
    await expect(recorder.startSite(PAGE.origin, false)).rejects.toThrow('in the popup')
    await expect(recorder.startStream(hostId, false)).rejects.toThrow(NoRecording)
    expect(store.recordings.size).toBe(0)
    await recorder.startSite('https://other.example.com', false)
    await switches.set(PAGE.origin, 'record', true)
    await recorder.startStream(hostId, false)
  })

  test('what runs ends there: the site’s, and one stream’s', async () => {
    const hostId = open()
    bridge.fromHost(headers(hostId))
    const one = await recorder.startStream(hostId, false)
    const site = await recorder.startSite(PAGE.origin, false)
    const others = await recorder.startSite('https://other.example.com', false)
    const second = open(6)
    bridge.fromHost(headers(second))
    bridge.fromHost(chunk(hostId, 0, base64('before')))
    bridge.fromHost(chunk(second, 0, base64('before')))
    const switched = off()
    bridge.fromHost(error(open(7)))
    await switched
    bridge.fromHost(chunk(hostId, 6, base64('after')))
    bridge.fromHost(chunk(second, 6, base64('after')))
    for (const id of [one, site]) expect((await recorded(id)).map((stream) => text(stream))).toEqual(['before'])
    const states = new Map((await recorder.list()).map(({ id, state }) => [id, state]))
    expect([one, site, others].map((id) => states.get(id))).toEqual(['stopped', 'stopped', 'running'])
  })

  test('no worker goes on with it', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    kept['siteSwitches'] = { [PAGE.origin]: ['record'] }
    begin()
    bridge.fromHost(error(open()))
    await recorder.flush()
    expect(await store.text(id)).toBe('')
    expect((await recorder.list())[0]?.state).toBe('stopped')
  })

  test('it is not begun either when that happens meanwhile', async () => {
    await recorder.list()
    const put = store.put.bind(store)
    vi.spyOn(store, 'put').mockImplementationOnce(async (...given) => {
      await put(...given)
      await switches.set(PAGE.origin, 'record', false)
    })
    await expect(recorder.startSite(PAGE.origin, false)).rejects.toThrow('in the popup')
    expect(store.recordings.size).toBe(0)
  })
})

describe('the limits', () => {
  const SIZE = 64 * 1024
  const ONE = 16 * SIZE

  beforeEach(() => begin(false, { one: ONE, all: 4 * ONE, least: SIZE }))

  test('a recording that is full says so in every stream, and what it has stays', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    const hostId = open()
    bridge.fromHost(headers(hostId))
    const piece = base64(new Uint8Array(SIZE).fill(97))
    for (let n = 0; n < 16; n++) bridge.fromHost(chunk(hostId, n * SIZE, piece))
    bridge.fromHost(end(hostId))
    const [stream] = await recorded(id)
    expect(stream?.end?.how).toBe('full')
    expect(bodyOf(stream?.down ?? []).byteLength).toBe(15 * SIZE)
    expect((await recorder.list())[0]).toMatchObject({ state: 'full' })
  })

  test('what is compressed counts for what it is', async () => {
    await recorder.startSite(PAGE.origin, false)
    const hostId = open()
    bridge.fromHost(headers(hostId))
    const packed = base64(deflateSync(Buffer.alloc(SIZE, 97)))
    for (let n = 0; n < 300; n++) {
      bridge.fromHost({ ...chunk(hostId, n * SIZE, packed), encoding: 'deflate', size: SIZE })
    }
    await recorder.flush()
    expect((await recorder.list())[0]).toMatchObject({ state: 'full' })
    const kept = [...store.lines.values()].flat().reduce((sum, lines) => sum + lines.length, 0)
    expect(kept).toBeLessThan(1.1 * ONE)
  })

  test('all together take no more than they may', async () => {
    await recorder.list()
    const kept = { id: 'a', title: 'a', origin: null, madeAt: '2026-12-01T00:00:00Z', state: 'stopped' as const }
    await store.put({ ...kept, streams: 1, cost: 4 * ONE, batches: 0 })
    await expect(recorder.startSite(PAGE.origin, false)).rejects.toThrow('Delete some')
    await recorder.remove('a')
    await recorder.startSite(PAGE.origin, false)
  })

  test('a site is recorded once at a time', async () => {
    await recorder.startSite(PAGE.origin, false)
    await expect(recorder.startSite(PAGE.origin, false)).rejects.toThrow('recorded already')
  })
})

test.each([
  ['https://api.example.com/v1', 'GET api.example.com'],
  ['longwire:generate', 'GET a language model'],
  ['longwire:durable/answer-42', 'GET durable requests']
])('a recording of one stream to %s is called %s', async (url, title) => {
  bridge = new Bridge(link, observer, new Admission({ profile: () => 'profile' }))
  const hostId = open(5, { url })
  bridge.fromHost({ ...headers(hostId), url })
  await recorder.startStream(hostId, false)
  expect((await recorder.list())[0]?.title).toBe(title)
})

describe('a storage that takes nothing', () => {
  beforeEach(() => vi.spyOn(console, 'warn').mockImplementation(() => undefined))

  test('ends the recording as full, with what came before where that is written after all', async () => {
    const id = await recorder.startSite(PAGE.origin, false)
    const hostId = open()
    bridge.fromHost(headers(hostId))
    bridge.fromHost(chunk(hostId, 0, base64('one ')))
    vi.spyOn(store, 'put').mockRejectedValueOnce(new Error('quota'))
    await expect(recorder.flush()).rejects.toThrow('quota')
    expect((await recorder.list())[0]?.state).toBe('full')
    bridge.fromHost(chunk(hostId, 4, base64('two')))
    const [stream] = await recorded(id)
    expect(text(stream)).toBe('one ')
    expect(stream?.end?.how).toBe('full')
    expect(store.recordings.get(id)?.state).toBe('full')
  })

  test('is nobody\u2019s unheard rejection where nobody asked for it', async () => {
    vi.useFakeTimers()
    try {
      await recorder.startSite(PAGE.origin, false)
      const hostId = open()
      bridge.fromHost(headers(hostId))
      vi.spyOn(store, 'put').mockRejectedValue(new Error('quota'))
      await vi.runAllTimersAsync()
      expect((await recorder.list())[0]?.state).toBe('full')
    } finally {
      vi.useRealTimers()
    }
  })
})

test('a stream that ended before it was known what is recorded is tapped no more', async () => {
  await recorder.startSite(PAGE.origin, false)
  begin()
  const [stream, hostId] = [vi.spyOn(observer, 'opened'), open()]
  bridge.fromHost(headers(hostId))
  bridge.fromHost(end(hostId, 0))
  await recorder.list()
  expect(observer.tapped(stream.mock.calls[0]?.[0] as ObservedStream)).toBe(false)
})

test('a private window is recorded only by somebody who says so', async () => {
  begin(true)
  await expect(recorder.startSite(PAGE.origin, false)).rejects.toThrow('only if you say so')
  await recorder.startSite(PAGE.origin, true)
})
