// What the popup tells of streams, made of the observer's events alone.

import { beforeEach, expect, test } from 'vitest'
import { LiveStreams } from '../../src/worker/live-streams'
import type { ObservedStream } from '../../src/worker/observer'
import { headers, PAGE } from './samples'

const TAB = 7
let starting: boolean
let streams: LiveStreams

beforeEach(() => {
  starting = false
  streams = new LiveStreams(() => starting)
})

function opened(id: number, tab = TAB): ObservedStream {
  const stream = {
    id,
    page: { ...PAGE, tab },
    method: 'GET',
    url: `https://api.example.com/${id}`,
    durable: id === 1,
    startedAt: id
  }
  streams.opened(stream)
  return stream
}

test('a stream comes, goes on and is gone', () => {
  const stream = opened(1)
  const told = {
    id: 1,
    origin: PAGE.origin,
    principal: 'page',
    method: 'GET',
    url: 'https://api.example.com/1',
    durable: true,
    startedAt: 1
  }
  expect(streams.of(TAB)).toEqual([{ ...told, state: 'connecting', status: 0, received: 0, sent: 0 }])
  streams.message(stream, 'STREAM_BODY', 15)
  streams.headers(stream, { ...headers(1), status: 201 })
  streams.chunk(stream, 1000, 24)
  streams.message(stream, 'STREAM_ACK', 7)
  expect(streams.of(TAB)).toEqual([{ ...told, state: 'open', status: 201, received: 1024, sent: 15 }])
  streams.ended(stream)
  expect(streams.of(TAB)).toEqual([])
})

test('what waits for the host to start says so, and goes on from where it is', () => {
  const stream = opened(1)
  starting = true
  expect(streams.of(TAB)).toMatchObject([{ state: 'starting' }])
  streams.message(stream, 'STREAM_ABORT', 0)
  expect(streams.of(TAB)).toMatchObject([{ state: 'ending' }])
  starting = false
  opened(2)
  expect(streams.of(TAB)).toMatchObject([{ state: 'ending' }, { state: 'connecting' }])
})

test('one that is given up stays so, whatever still comes', () => {
  const stream = opened(1)
  streams.message(stream, 'STREAM_ABORT', 0)
  streams.headers(stream, headers(1))
  expect(streams.of(TAB)).toMatchObject([{ state: 'ending' }])
})

test('each tab has its own', () => {
  opened(1)
  opened(2, 8)
  expect(streams.of(TAB)).toMatchObject([{ id: 1 }])
  expect(streams.of(8)).toMatchObject([{ id: 2 }])
  expect(streams.of(9)).toEqual([])
})
