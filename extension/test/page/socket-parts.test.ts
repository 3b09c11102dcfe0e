// Parts of messages, in any split: each message once, in order; what nobody asks for stays bytes.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BINARY, CLOSE, type PartKind, PartReader, partHead, TEXT, TooLarge } from '../../src/page/socket-parts'
import { MAX_SOCKET_MESSAGE_BYTES, SOCKET_PART_HEAD_BYTES } from '../../src/protocol/constants'

const KIND = fc.constantFrom<PartKind>(TEXT, BINARY)

function part(kind: PartKind, data: Uint8Array, last = true): Uint8Array<ArrayBuffer> {
  const head = partHead(kind, data.length)
  if (!last) head[0] = kind
  return new Uint8Array([...head, ...data])
}

const joined = (pieces: Uint8Array[]) => new Uint8Array(pieces.flatMap((piece) => [...piece]))

test('any split and any fragmentation gives the same messages, and all of it is consumed', () => {
  const message = fc.tuple(KIND, fc.uint8Array({ maxLength: 40 }), fc.array(fc.nat(40), { maxLength: 3 }))
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      (sent, cuts) => {
        const body = joined(
          sent.flatMap(([kind, data, at]) => {
            const ends = [...at.filter((end) => end < data.length).sort((a, b) => a - b), data.length]
            return ends.map((end, i) => part(kind, data.slice(i === 0 ? 0 : ends[i - 1], end), i === ends.length - 1))
          })
        )
        const reader = new PartReader()
        const found: [PartKind, number[]][] = []
        for (let at = 0, turn = 0; at < body.length; turn++) {
          const size = cuts[turn % cuts.length] as number
          reader.push(body.slice(at, at + size))
          at += size
          for (let got = reader.take(); got !== null; got = reader.take()) found.push([got.kind, [...got.data]])
        }
        expect(found).toEqual(sent.map(([kind, data]) => [kind, [...data]]))
        expect(reader.consumed).toBe(body.length)
        expect(reader.waiting).toBe(false)
      }
    )
  )
})

describe('a reader', () => {
  test('makes nothing of what nobody asks for', () => {
    const reader = new PartReader()
    for (let i = 0; i < 1000; i++) reader.push(part(TEXT, new Uint8Array()))
    expect([reader.consumed, reader.waiting]).toEqual([0, true])
    expect(reader.take()).toEqual({ kind: TEXT, data: new Uint8Array() })
    expect(reader.consumed).toBe(SOCKET_PART_HEAD_BYTES)
  })

  test('puts together what has come of a message, so that more can come', () => {
    const reader = new PartReader()
    const whole = part(BINARY, new Uint8Array(100))
    reader.push(whole.slice(0, 60))
    expect([reader.take(), reader.consumed]).toEqual([null, 60])
    reader.push(whole.slice(60))
    expect(reader.take()?.data).toEqual(new Uint8Array(100))
  })

  test('gives a close that comes inside a message', () => {
    const reader = new PartReader()
    reader.push(joined([part(TEXT, new Uint8Array(3), false), part(CLOSE, new Uint8Array([3, 232]))]))
    expect(reader.take()).toEqual({ kind: CLOSE, data: new Uint8Array([3, 232]) })
  })

  test('skips to the close, from whatever place', () => {
    const reader = new PartReader()
    const rest = joined([part(TEXT, new Uint8Array(50), false), part(TEXT, new Uint8Array(9))])
    reader.push(rest.slice(0, 20))
    reader.take()
    expect(reader.skip()).toBe(null)
    reader.push(joined([rest.slice(20), part(BINARY, new Uint8Array(7))]))
    expect(reader.skip()).toBe(null)
    reader.push(part(CLOSE, new Uint8Array([3, 233])))
    expect(reader.skip()).toEqual(new Uint8Array([3, 233]))
  })

  test.each([[[0x82 + 1, 0, 0, 0, 0]], [[8, 0, 0, 0, 0]], [[0x89, 0, 0, 0, 0]], [[0, 0, 0, 0, 0]]])(
    'refuses a head that no host sends: %j',
    (head) => {
      const reader = new PartReader()
      reader.push(new Uint8Array(head))
      expect(() => reader.take()).toThrow(RangeError)
    }
  )

  test('refuses a message that changes its kind', () => {
    const reader = new PartReader()
    reader.push(joined([part(TEXT, new Uint8Array(1), false), part(BINARY, new Uint8Array(1))]))
    expect(() => reader.take()).toThrow(RangeError)
    reader.release()
  })

  test('of all sockets together puts no more together than a page may, and has it back when one lets go', () => {
    const half = MAX_SOCKET_MESSAGE_BYTES / 2
    const [one, other] = [new PartReader(), new PartReader()]
    const head = partHead(BINARY, MAX_SOCKET_MESSAGE_BYTES)
    for (const reader of [one, other]) {
      reader.push(head.slice())
      reader.push(new Uint8Array(half))
      expect(reader.take()).toBe(null)
    }
    one.push(new Uint8Array(1))
    expect(() => one.take()).toThrow(TooLarge)
    other.skip()
    expect(one.take()).toBe(null)
    one.skip()
  })
})
