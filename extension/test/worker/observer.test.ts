// Who looks on: what they are told, in which order, and that they are in nobody's way.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FromPage } from '../../src/protocol/bridge'
import { Bridge } from '../../src/worker/bridge'
import { failureOf } from '../../src/worker/failure'
import { type ObservedStream, Observer, type StreamEvents, type StreamListener } from '../../src/worker/observer'
import { FakeDirectPort, FakeLink, type FakePeer, peerOf } from './fakes'
import { aborted, chunk, end, error, headers, start } from './samples'

const lost = failureOf('exited', true, 'id')

/** Everything it is told, each as the event's name and what came with it. */
class Watcher implements StreamEvents {
  readonly heard: unknown[][] = []
  readonly streams = new Set<ObservedStream>()

  opened(stream: ObservedStream): void {
    this.streams.add(stream)
    this.heard.push(['opened', stream.id])
  }
  headers(stream: ObservedStream, { status }: { status: number }): void {
    this.heard.push(['headers', stream.id, status])
  }
  chunk(stream: ObservedStream, ...numbers: number[]): void {
    this.heard.push(['chunk', stream.id, ...numbers])
  }
  message(stream: ObservedStream, ...said: unknown[]): void {
    this.heard.push(['message', stream.id, ...said])
  }
  ended(stream: ObservedStream, ending: unknown): void {
    this.heard.push(['ended', stream.id, ending])
  }

  get endings(): unknown[] {
    return this.heard.filter(([event]) => event === 'ended').map(([, , ending]) => ending)
  }
}

let link: FakeLink
let observer: Observer
let bridge: Bridge
let watcher: Watcher
let page: FakePeer

beforeEach(() => {
  link = new FakeLink()
  observer = new Observer()
  bridge = new Bridge(link, observer)
  watcher = new Watcher()
  observer.listen(watcher)
  page = peerOf()
})
afterEach(() => vi.restoreAllMocks())

function open(pageId = 5): number {
  bridge.fromPage(page, start(pageId))
  return link.starts.at(-1)?.id as number
}

const abort = (id: number): FromPage => ({ type: 'STREAM_ABORT', id, reason: 'signal' })

describe('what is told', () => {
  test('of a whole exchange, as it happens', () => {
    const id = open()
    bridge.fromPage(page, { type: 'STREAM_BODY', id: 5, offset: 10, data: new Uint8Array(5) })
    bridge.fromHost({ type: 'STREAM_BODY_ACK', id, consumed: 15, window: 9 })
    bridge.fromPage(page, { type: 'STREAM_BODY_END', id: 5, bytes: 15 })
    bridge.fromHost(headers(id))
    bridge.fromHost(chunk(id))
    bridge.fromHost(chunk(id, 2))
    bridge.fromPage(page, { type: 'STREAM_ACK', id: 5, consumed: 4 })
    bridge.fromHost({ ...end(id, 4), completeness: 'chunked', timings: { headers_ms: 2, total_ms: 3 } })
    expect(watcher.heard).toEqual([
      ['opened', id],
      ['message', id, 'STREAM_BODY', 15],
      ['message', id, 'STREAM_BODY_ACK', 15],
      ['message', id, 'STREAM_BODY_END', 15],
      ['headers', id, 200],
      ['chunk', id, 0, 2],
      ['chunk', id, 2, 2],
      ['message', id, 'STREAM_ACK', 4],
      ['ended', id, { how: 'end', bytes: 4, completeness: 'chunked', timings: { headers_ms: 2, total_ms: 3 } }]
    ])
  })

  test('with one object for a stream, which says who asked and for what', () => {
    const id = open()
    const [stream] = watcher.streams
    expect(stream).toMatchObject({ id, page: { tab: 7 }, method: 'GET', url: 'https://api.example.com/' })
    bridge.fromHost({ ...headers(id), url: 'https://api.example.com/moved' })
    expect(stream?.url).toBe('https://api.example.com/moved')
    expect(watcher.streams.size).toBe(1)
  })

  test('of a chunk is its size, also where its memory was given away', () => {
    const id = open()
    bridge.fromPage(page, { type: 'DIRECT_OFFER', token: '0'.repeat(32) })
    const direct = new FakeDirectPort()
    direct.postMessage = (message, transfer) => structuredClone(message, { transfer })
    bridge.directPort('0'.repeat(32), direct)
    bridge.fromHost(chunk(id))
    expect(watcher.heard.at(-1)).toEqual(['chunk', id, 0, 2])
  })

  test('comes after the page has it', () => {
    const seen: number[] = []
    observer.listen({ chunk: () => seen.push(page.port.posted.length) })
    bridge.fromHost(chunk(open()))
    expect(seen).toEqual([1])
  })

  test('is nothing of a start that is refused', () => {
    bridge.fromPage(page, start(5, { url: 'file:///etc/passwd' }))
    bridge.fromPage(page, { ...start(6), page: {} })
    bridge.hostLost(lost)
    expect(watcher.heard).toEqual([])
  })
})

describe('a tap', () => {
  /** Taps every stream, and keeps what it gets. */
  function tapped(): { way: string; text: string; encoding?: string }[] {
    const pieces: { way: string; text: string; encoding?: string }[] = []
    observer.listen({
      opened: (stream) => {
        observer.tap(stream, (_, { way, data, encoding }) => {
          pieces.push({ way, text: new TextDecoder().decode(data), ...(encoding === undefined ? {} : { encoding }) })
        })
      }
    })
    return pieces
  }

  test('gets the bytes of both bodies, its own also where the page’s memory was given away', () => {
    const pieces = tapped()
    const id = open()
    bridge.fromPage(page, { type: 'DIRECT_OFFER', token: '0'.repeat(32) })
    const direct = new FakeDirectPort()
    direct.postMessage = (message, transfer) => structuredClone(message, { transfer })
    bridge.directPort('0'.repeat(32), direct)
    bridge.fromPage(page, { type: 'STREAM_BODY', id: 5, offset: 0, data: new TextEncoder().encode('up') })
    bridge.fromHost(headers(id))
    bridge.fromHost(chunk(id))
    bridge.fromHost({ ...chunk(id, 2), encoding: 'gzip', size: 9 })
    expect(pieces).toEqual([
      { way: 'up', text: 'up' },
      { way: 'down', text: 'ab' },
      { way: 'down', text: 'ab', encoding: 'gzip' }
    ])
  })

  test('gets what comes after the page gave the stream up, which the page does not', () => {
    const pieces = tapped()
    const id = open()
    bridge.fromHost(headers(id))
    bridge.fromPage(page, abort(5))
    const before = page.port.posted.length
    bridge.fromHost(chunk(id))
    bridge.fromHost(chunk(id, 2, '!'))
    expect(page.port.posted.length).toBe(before)
    bridge.fromHost(aborted(id))
    bridge.fromHost(chunk(id, 2))
    expect(pieces).toEqual([{ way: 'down', text: 'ab' }])
  })

  test('that is taken out, or was never put in, has nothing copied', () => {
    let undo = (): void => undefined
    const heard: number[] = []
    observer.listen({
      opened: (stream) => {
        undo = observer.tap(stream, (_, { data }) => heard.push(data.byteLength))
      }
    })
    const id = open()
    const slice = vi.spyOn(Uint8Array.prototype, 'slice')
    bridge.fromHost(chunk(id))
    undo()
    bridge.fromHost(chunk(id, 2))
    expect(heard).toEqual([2])
    expect(slice).toHaveBeenCalledOnce()
  })

  test('that throws is in nobody’s way', () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    observer.listen({
      opened: (stream) => {
        observer.tap(stream, () => {
          throw new Error('full')
        })
      }
    })
    const pieces = tapped()
    bridge.fromHost(chunk(open()))
    expect(pieces).toHaveLength(1)
    expect(page.port.posted).toHaveLength(1)
  })
})

const failed = (by: 'host' | 'extension', code: string, phase: string) =>
  expect.objectContaining({ how: 'error', by, code, phase })

describe('a stream has ended once', () => {
  /** What happens to an open stream, and as what it has ended then. */
  const ENDS: Record<string, [happens: (id: number) => void, ending: unknown]> = {
    'with its body': [(id) => bridge.fromHost(end(id, 4)), expect.objectContaining({ how: 'end', bytes: 4 })],
    'with an error of the host': [(id) => bridge.fromHost(error(id)), failed('host', 'UPSTREAM_RESET', 'headers')],
    'with an abort of the page': [
      (id) => {
        bridge.fromPage(page, abort(5))
        bridge.fromHost(aborted(id))
      },
      { how: 'abort', reason: 'signal' }
    ],
    'with its body, which the abort did not overtake': [
      (id) => {
        bridge.fromPage(page, abort(5))
        bridge.fromHost(end(id))
      },
      expect.objectContaining({ how: 'end' })
    ],
    'with an abort of the host’s own': [(id) => bridge.fromHost(aborted(id)), { how: 'abort', reason: null }],
    'with its host': [() => bridge.hostLost(lost), failed('extension', 'HOST_LOST', 'headers')],
    'with its host, after an abort': [
      () => {
        bridge.fromPage(page, abort(5))
        bridge.hostLost(lost)
      },
      { how: 'abort', reason: 'signal' }
    ],
    'with its tab': [
      (id) => {
        bridge.pageGone(page)
        bridge.fromHost(aborted(id))
      },
      { how: 'abort', reason: 'page-gone' }
    ],
    'with its tab and its host at once': [
      () => {
        link.before = ({ type }) => {
          if (type === 'STREAM_ABORT') bridge.hostLost(lost)
        }
        bridge.pageGone(page)
      },
      { how: 'abort', reason: 'page-gone' }
    ],
    'with a stop of the user’s': [
      (id) => {
        bridge.stop(7, id)
        bridge.fromHost(end(id))
      },
      failed('extension', 'STOPPED_BY_USER', 'headers')
    ],
    'with a message that is none': [
      (id) => {
        bridge.badFromHost(id, false)
        bridge.fromHost(aborted(id))
      },
      failed('extension', 'PROTOCOL', 'headers')
    ],
    'with a last message that is none': [
      (id) => bridge.badFromHost(id, true),
      failed('extension', 'PROTOCOL', 'headers')
    ],
    'with bytes that are none': [
      (id) => {
        bridge.fromHost(headers(id))
        bridge.fromHost(chunk(id, 0, '!'))
        bridge.fromHost(aborted(id))
      },
      failed('extension', 'PROTOCOL', 'body')
    ]
  }

  test.each(Object.keys(ENDS))('%s', (name) => {
    const [happens, ending] = ENDS[name] as (typeof ENDS)[string]
    const id = open()
    happens(id)
    expect(watcher.endings).toEqual([ending])
    expect(watcher.heard.at(-1)?.[0]).toBe('ended')
    // Whatever comes late, and whoever else goes.
    for (const late of [headers, chunk, end, error, aborted]) bridge.fromHost(late(id))
    bridge.badFromHost(id, true)
    bridge.fromPage(page, abort(5))
    bridge.pageGone(page)
    bridge.hostLost(lost)
    expect(watcher.endings).toEqual([ending])
    expect(watcher.heard.at(-1)?.[0]).toBe('ended')
  })

  test('in the midst of its start', () => {
    link.before = () => bridge.hostLost(lost)
    bridge.fromPage(page, start(5))
    link.before = () => undefined
    link.takes = false
    bridge.fromPage(page, start(6))
    expect(watcher.heard.map(([event]) => event)).toEqual(['opened', 'ended', 'opened', 'ended'])
    expect(watcher.endings).toEqual([
      failed('extension', 'HOST_LOST', 'headers'),
      failed('extension', 'LIMIT_EXCEEDED', 'connect')
    ])
  })

  test('not before the host has let go of it: until then it was asked to', () => {
    const id = open()
    bridge.pageGone(page)
    expect(watcher.heard.slice(1)).toEqual([['message', id, 'STREAM_ABORT', 0]])
    bridge.fromHost(aborted(id))
    expect(watcher.endings).toHaveLength(1)
  })
})

describe('a listener', () => {
  test('that throws hurts neither streams nor the other listeners', () => {
    const complained = vi.spyOn(console, 'warn').mockReturnValue()
    const broken = () => {
      throw new Error('broken')
    }
    const throws: Required<StreamListener> = {
      opened: broken,
      headers: broken,
      chunk: broken,
      message: broken,
      ended: broken
    }
    observer = new Observer()
    bridge = new Bridge(link, observer)
    observer.listen(throws)
    observer.listen(watcher)
    const id = open()
    bridge.fromHost(headers(id))
    bridge.fromHost(chunk(id))
    bridge.fromPage(page, { type: 'STREAM_ACK', id: 5, consumed: 2 })
    bridge.fromHost(end(id, 2))
    expect(page.port.posted.map(({ type }) => type)).toEqual(['STREAM_HEADERS', 'STREAM_CHUNK', 'STREAM_END'])
    expect(watcher.heard.map(([event]) => event)).toEqual(['opened', 'headers', 'chunk', 'message', 'ended'])
    expect(complained).toHaveBeenCalledTimes(5)
    expect(link.inUse).toBe(false)
  })

  test('may hear of some events only, come late and go while it is told', () => {
    const id = open()
    const heard: string[] = []
    const stop = observer.listen({
      chunk: (_, offset) => {
        heard.push(`once ${offset}`)
        stop()
      }
    })
    observer.listen({ chunk: (_, offset) => heard.push(`always ${offset}`) })
    bridge.fromHost(chunk(id))
    bridge.fromHost(chunk(id, 2))
    bridge.fromHost(end(id, 4))
    expect(heard).toEqual(['once 0', 'always 0', 'always 2'])
  })
})
