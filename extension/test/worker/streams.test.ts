// Which stream is which: two kinds of ids, and slots that are free only when the host says so.

import { beforeEach, expect, test } from 'vitest'
import { MAX_STREAMS_PER_TAB_FRAME } from '../../src/protocol/constants'
import { phaseOf, type Stream, StreamTable } from '../../src/worker/streams'

const one = { name: 'one' }
const other = { name: 'other' }
type Peer = typeof one

let table: StreamTable<Peer>
beforeEach(() => {
  table = new StreamTable()
})

function open(peer: Peer, pageId: number, document = peer.name): Stream<Peer> {
  const stream = table.open(peer, pageId, document)
  if (typeof stream === 'string') throw new Error(stream)
  return stream
}

test('a page id means something only together with its port', () => {
  const stream = open(one, 5)
  const second = open(other, 5)
  expect(table.ofPage(one, 5)).toBe(stream)
  expect(table.ofPage(other, 5)).toBe(second)
  expect(second.hostId).not.toBe(stream.hostId)
  expect(table.ofPage(one, 6)).toBeUndefined()
  expect(table.ofPage({ name: 'one' }, 5)).toBeUndefined()
  expect(table.ofHost(stream.hostId)).toBe(stream)
  expect(table.of(one)).toEqual([stream])
})

test('host ids count upwards and none comes twice, whatever is closed', () => {
  const ids = []
  for (let n = 0; n < 100; n++) {
    const stream = open(n % 2 ? one : other, 1)
    ids.push(stream.hostId)
    if (n % 3 === 0) table.closeAll()
    else table.close(stream)
  }
  expect(ids).toEqual([...ids].sort((a, b) => a - b))
  expect(new Set(ids).size).toBe(100)
})

test('a page id is in use until the stream is closed', () => {
  const stream = open(one, 5)
  expect(table.open(one, 5, 'one')).toBe('in-use')
  stream.state = 'settled'
  expect(table.open(one, 5, 'one')).toBe('in-use')
  table.close(stream)
  expect(open(one, 5).hostId).toBeGreaterThan(stream.hostId)
})

test('a document has as many slots as the limit says, over all its ports', () => {
  const streams = []
  for (let n = 0; n < MAX_STREAMS_PER_TAB_FRAME; n++) streams.push(open(n % 2 ? one : other, n + 1, 'document'))
  expect(table.open(one, 1000, 'document')).toBe('limit')
  expect(table.open({ name: 'third' }, 1, 'document')).toBe('limit')
  expect(typeof table.open(one, 1000, 'next document')).toBe('object')
  table.close(streams[7] as Stream<Peer>)
  expect(typeof table.open(other, 1000, 'document')).toBe('object')
  expect(table.open(other, 1001, 'document')).toBe('limit')
})

test('a stream that is closed twice gives its slot back once', () => {
  const stream = open(one, 1, 'document')
  for (let n = 1; n < MAX_STREAMS_PER_TAB_FRAME; n++) open(one, n + 1, 'document')
  table.close(stream)
  table.close(stream)
  open(one, 1000, 'document')
  expect(table.open(one, 1001, 'document')).toBe('limit')
})

test('closing all gives every slot back', () => {
  const streams = [open(one, 1), open(other, 1), open(one, 2)]
  expect(table.size).toBe(3)
  expect(table.closeAll()).toEqual(streams)
  expect(table.size).toBe(0)
  expect(table.of(one)).toEqual([])
  expect(table.ofHost((streams[0] as Stream<Peer>).hostId)).toBeUndefined()
  for (let n = 0; n < MAX_STREAMS_PER_TAB_FRAME; n++) open(one, n + 1)
})

test('the phase of a stream that breaks is where it had come to', () => {
  const stream = open(one, 1)
  expect(phaseOf(stream)).toBe('headers')
  stream.headersSeen = true
  expect(phaseOf(stream)).toBe('body')
})
