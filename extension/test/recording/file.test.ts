// A file is read as what happened; anything else is refused in words.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { MAX_RECORDING_BYTES, RECORDING_LINE_BYTES } from '../../src/protocol/constants'
import { BadRecording, bodyOf, messagesOf, parseRecording } from '../../src/recording/file'
import { bytesOf, timeOfDay, written } from '../../src/recording/lines'
import { HOSTILE, lineOf } from './hostile'

const document = readFileSync(new URL('../../../docs/recordings.md', import.meta.url), 'utf8')
const example = document.split('```jsonl\n')[1]?.split('```')[0] ?? ''
const lines = example.trim().split('\n')
const text = (data: Uint8Array) => new TextDecoder().decode(data)

describe('the file of the document', () => {
  const { streams } = parseRecording(example)

  test('has two streams', () => {
    expect(streams.map(({ request }) => request.kind)).toEqual(['http', 'websocket'])
    expect(streams.map(({ end }) => end?.how)).toEqual(['stopped', 'whole'])
  })

  test('has bytes in pieces, with their times', () => {
    const [first] = streams
    expect(first?.down.map(({ t }) => t)).toEqual([212.9, 258.034])
    expect(bodyOf(first?.down ?? [])).toEqual(
      new Uint8Array([...new TextEncoder().encode('data: {"delta":"Hel"}\n\ndata: '), 0xf0, 0x9f])
    )
    expect(first?.masked).toBe(true)
  })

  test('has a message that came in parts', () => {
    const messages = messagesOf(streams[1]?.down ?? [])
    expect(messages).toEqual([{ t: 96.5, opcode: 2, data: new Uint8Array([0, 1, 2, 3, 4, 5]) }])
  })
})

describe('what is no recording', () => {
  const [head = '', request = '', , response = ''] = lines
  const piece = '{"type":"piece","stream":1,"t":300,"way":"down","text":"a"}'
  test.each<[string, string[], RegExp]>([
    ['nothing', [], /empty/],
    ['words', ['hello'], /no recording of Longwire/],
    ['another version', ['{"longwire_recording":2}'], /does not know this form/],
    ['a head alone', [head], /no stream/],
    ['nonsense behind it', [head, 'hello'], /Line 2/],
    ['an unknown line', [head, '{"type":"x","stream":1,"t":0}'], /Line 2.*type/],
    ['a stream that has not begun', [head, piece], /Line 2.*has not begun/],
    ['a body without a response', [head, request, piece], /Line 3.*no response yet/],
    ['two responses', [head, request, response, response], /Line 4.*already/],
    ['an earlier time', [head, request, response, piece.replace('300', '1')], /Line 4.*earlier/],
    ['text and base64', [head, request, response, piece.replace('"a"', '"a","base64":"YQ=="')], /Line 4.*either/],
    ['no base64', [head, request, response, piece.replace('"text":"a"', '"base64":"!"')], /Line 4/],
    ['a number for text', [head, request, response, piece.replace('"a"', '1')], /Line 4.*text/],
    ['headers that are none', [head, request.replace('[["content-type"', '[[1,"content-type"')], /Line 2.*headers/],
    ['what is missing', [head, request.replace('"page":"http://localhost:5173",', '')], /Line 2.*page/]
  ])('%s', (_, given, said) => {
    const refused = () => parseRecording(given.join('\n'))
    expect(refused).toThrow(BadRecording)
    expect(refused).toThrow(said)
  })
})

test.each(HOSTILE)('hostile: %s', (_, text) => {
  expect(() => parseRecording(text)).toThrow(BadRecording)
})

test('a million pieces, and as many lines that are empty, are more than is read', () => {
  const [head, request, response] = ['head', 'request', 'response'].map(lineOf)
  const most = MAX_RECORDING_BYTES / RECORDING_LINE_BYTES - 2
  const empty = `${lineOf('piece').replace('"a"', '""')}\n`
  expect(parseRecording(`${head}\n${request}\n${response}\n${empty.repeat(most)}`).streams[0]?.down).toHaveLength(most)
  expect(() => parseRecording(`${head}\n${request}\n${response}\n${'\n'.repeat(most)}${empty}`)).toThrow('larger')
})

test('bytes are text only where that gives the same bytes again', () => {
  for (const data of [[], [97], [0xef, 0xbb, 0xbf, 97], [0xe2, 0x82], [0xff], [0xed, 0xa0, 0x80]]) {
    const bytes = new Uint8Array(data)
    expect(bytesOf(written(bytes))).toEqual(bytes)
  }
  expect(written(new TextEncoder().encode('€'))).toEqual({ text: '€' })
  expect(text(bytesOf({ base64: 'YQ==' }))).toBe('a')
})

test('a time of day is to the microsecond', () => {
  expect(timeOfDay(0.1234, 1_796_000_000_000)).toBe('2026-11-30T00:53:20.000123Z')
  expect(timeOfDay(1.9996, 1_796_000_000_000)).toBe('2026-11-30T00:53:20.002000Z')
})
