import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SseDecoder, type SseMessage } from '../../src/client/sse'

interface Seen {
  messages: SseMessage[]
  retries: number[]
  comments: string[]
  ids: string[]
}

function decode(pieces: Uint8Array[], limit = 1000): Seen {
  const seen: Seen = { messages: [], retries: [], comments: [], ids: [] }
  const decoder = new SseDecoder(
    {
      message: (message) => seen.messages.push(message),
      retry: (milliseconds) => seen.retries.push(milliseconds),
      comment: (text) => seen.comments.push(text),
      id: (id) => seen.ids.push(id)
    },
    limit
  )
  for (const piece of pieces) decoder.push(piece)
  return seen
}

const bytes = (text: string) => new TextEncoder().encode(text)
const read = (text: string) => decode([bytes(text)]).messages

test.each<[string, string, Partial<SseMessage>[]]>([
  ['lines that end in LF', 'data: a\n\n', [{ data: 'a' }]],
  ['lines that end in CR', 'data: a\r\r', [{ data: 'a' }]],
  ['lines that end in CRLF', 'data: a\r\n\r\n', [{ data: 'a' }]],
  ['all three', 'data: a\rdata: b\ndata: c\r\n\n', [{ data: 'a\nb\nc' }]],
  ['one byte-order mark', '\uFEFFdata: a\n\n', [{ data: 'a' }]],
  ['a second byte-order mark is part of the field name', '\uFEFF\uFEFFdata: a\n\ndata: b\n\n', [{ data: 'b' }]],
  ['what a byte-order mark looks like in Latin-1', 'ï»¿data: a\n\ndata: b\n\n', [{ data: 'b' }]],
  ['one space after the colon', 'data:  a\n\n', [{ data: ' a' }]],
  ['no space after the colon', 'data:a\n\n', [{ data: 'a' }]],
  ['a field without a colon', 'data\n\n', [{ data: '' }]],
  ['two empty fields', 'data\ndata\n\n', [{ data: '\n' }]],
  ['comments', ': hello\ndata: a\n:\n\n', [{ data: 'a' }]],
  ['an event name', 'event: x\ndata: a\n\ndata: b\n\n', [{ event: 'x' }, { event: 'message' }]],
  ['an event without data', 'event: x\n\ndata: b\n\n', [{ event: 'message', data: 'b' }]],
  ['an id that stays', 'id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n', [{ id: '1' }, { id: '1' }, { id: '' }]],
  ['an id without data', 'id: 7\n\ndata: a\n\n', [{ id: '7' }]],
  ['an id with a NUL', 'id: 1\ndata: a\n\nid: 2\u0000\ndata: b\n\n', [{ id: '1' }, { id: '1' }]],
  ['names in other cases', 'DATA: a\nData: b\n data: c\ndata: d\n\n', [{ data: 'd' }]],
  ['unknown fields', 'foo: a\ndata: b\nbar\n\n', [{ data: 'b' }]],
  ['a colon in the value', 'data: a: b\n\n', [{ data: 'a: b' }]],
  ['bytes that are no UTF-8', 'data: \u00e9\n\n', [{ data: '\u00e9' }]],
  ['an event that nothing ended', 'data: a\n\ndata: b\n', [{ data: 'a' }]]
])('%s', (_, text, expected) => {
  expect(read(text)).toMatchObject(expected)
  expect(read(text)).toHaveLength(expected.length)
})

test('an id counts from the blank line on, and after the event that brought it', () => {
  const order: string[] = []
  const sink = {
    message: ({ data, id }: SseMessage) => order.push(`${data}#${id}`),
    id: (id: string) => order.push(id)
  }
  const decoder = new SseDecoder(sink, 1000)
  decoder.push(bytes('id: 1\ndata: a\n\nid: 2\n\ndata: b\n\nid: 3\n\nid: 4\ndata: c\n\nid: 5\n\nid: 6\ndata: d\n'))
  expect(order).toEqual(['a#1', '1', '2', 'b#2', '3', 'c#4', '4', '5'])
})

test('an id of an event that is too long was never reached', () => {
  const ids: string[] = []
  const decoder = new SseDecoder({ message: () => undefined, id: (id) => ids.push(id) }, 10)
  expect(() => decoder.push(bytes(`id: 1\ndata: a\n\nid: 2\ndata: ${'x'.repeat(11)}\n\n`))).toThrow('more than 10')
  expect(ids).toEqual(['1'])
})

test('invalid UTF-8 becomes the replacement character', () => {
  expect(decode([Uint8Array.of(...bytes('data: '), 0xff, 10, 10)]).messages).toMatchObject([{ data: '\uFFFD' }])
})

test('retry is taken from digits only, and at once', () => {
  expect(decode([bytes('retry: 10\nretry: 1e3\nretry: -1\nretry:\nretry: 20')]).retries).toEqual([10])
})

const line = fc.oneof(
  fc.constantFrom('data', 'data:', 'data: x', 'event: e', 'id: 1', 'id', 'retry: 5', ': c', '', '', 'da', 'datax: 1'),
  fc.string({ unit: 'binary', maxLength: 12 }).map((text) => `data:${text}`)
)
const streams = fc.record({
  mark: fc.constantFrom('', '\uFEFF', '\uFEFF\uFEFF'),
  lines: fc.array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 20 })
})

test('any split of the bytes gives the same events', () => {
  fc.assert(
    fc.property(streams, fc.array(fc.nat(200), { maxLength: 40 }), ({ mark, lines }, cuts) => {
      const whole = bytes(mark + lines.flat().join(''))
      const at = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b)
      const pieces = [0, ...at].map((start, i) => whole.subarray(start, at[i] ?? whole.length))
      const inOne = decode([whole])
      expect(decode(pieces)).toEqual(inOne)
      expect(decode(Array.from(whole, (byte) => Uint8Array.of(byte)))).toEqual(inOne)
    }),
    { numRuns: 500 }
  )
})

test.each([1, 7, 1000])('an event at the limit passes and one past it does not, in pieces of %i bytes', (size) => {
  const cutUp = (text: string) => {
    const all = bytes(text)
    return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.subarray(i * size, (i + 1) * size))
  }
  const within = `data: ${'x'.repeat(60)}\ndata: ${'y'.repeat(39)}\n\n`
  const past = `data: ${'x'.repeat(60)}\ndata: ${'y'.repeat(40)}\n\n`
  expect(decode(cutUp(within), 100).messages).toHaveLength(1)
  expect(() => decode(cutUp(`data: a\n\n${past}`), 100)).toThrowError(expect.objectContaining({ code: 'TOO_LARGE' }))
})

test('a line without end, and one of 100 MB, end the stream while little is kept', () => {
  const piece = bytes('x'.repeat(1 << 20))
  const decoder = new SseDecoder({ message: () => undefined }, 8 << 20)
  decoder.push(bytes('data: '))
  let taken = 0
  const feed = () => {
    for (; taken < 100; taken++) decoder.push(piece)
  }
  expect(feed).toThrowError(expect.objectContaining({ code: 'TOO_LARGE', category: 'PARSE' }))
  expect(taken).toBeLessThan(20)
})

test('comments without end cost nothing where nobody wants them', () => {
  const decoder = new SseDecoder({ message: () => undefined }, 100)
  const piece = bytes(`:${'x'.repeat(1 << 20)}`)
  for (let i = 0; i < 100; i++) decoder.push(piece)
})
