// A request body on its way to the host, which may want it again.

import { beforeEach, describe, expect, test } from 'vitest'
import { blobSource, bytesSource, streamSource, type UploadSource } from '../../src/page/source'
import { Upload } from '../../src/page/upload'
import type { StreamBody, StreamBodyEnd } from '../../src/protocol/bridge'
import { UPLOAD_CHUNK_BYTES } from '../../src/protocol/constants'

const BYTES = Uint8Array.from({ length: 2 * UPLOAD_CHUNK_BYTES + 1 }, (_, i) => i)

let sent: (StreamBody | StreamBodyEnd)[]
let taken: number[]
let failures: unknown[]

beforeEach(() => {
  sent = []
  taken = []
  failures = []
})

function uploading(source: UploadSource, size?: number): Upload {
  const upload = new Upload(7, source, size, {
    send: (message) => sent.push(message),
    taken: (bytes) => taken.push(bytes),
    sent: () => {},
    failed: (cause) => failures.push(cause)
  })
  void upload.run()
  return upload
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0))

/** What was sent that time, its bytes put together. */
function told(again?: number) {
  const messages = sent.filter((message) => message.again === again)
  const bytes = messages.flatMap((message) => (message.type === 'STREAM_BODY' ? [...message.data] : []))
  return { bytes, end: messages.find(({ type }) => type === 'STREAM_BODY_END') }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await settled()
}

describe.each([
  ['bytes', () => bytesSource(BYTES)],
  ['a blob', () => blobSource(new Blob([BYTES]))]
])('%s', (_, source) => {
  test('go again from the first byte, as often as they are wanted, until the response is there', async () => {
    const upload = uploading(source(), BYTES.length)
    upload.granted(0, BYTES.length)
    await until(() => told().end !== undefined)
    for (const again of [1, 2]) {
      expect(upload.again(again)).toBe(true)
      await settled()
      expect(told(again)).toEqual({ bytes: [], end: undefined })
      upload.granted(0, BYTES.length)
      await until(() => told(again).end !== undefined)
      expect(told(again)).toMatchObject({ bytes: [...BYTES], end: { bytes: BYTES.length, again } })
    }
    upload.granted(BYTES.length, BYTES.length)
    upload.answered()
    expect(upload.again(3)).toBe(false)
    expect(taken).toEqual([BYTES.length])
  })

  test('that are not all sent yet are sent no further', async () => {
    const upload = uploading(source(), BYTES.length)
    upload.granted(0, 10)
    await until(() => told().bytes.length === 10)
    upload.again(1)
    upload.granted(0, BYTES.length)
    await until(() => told(1).end !== undefined)
    expect(told(1).bytes).toEqual([...BYTES])
    expect(told()).toEqual({ bytes: [...BYTES.subarray(0, 10)], end: undefined })
    expect(failures).toEqual([])
  })

  test('are gone when nobody wants them', async () => {
    const upload = uploading(source(), BYTES.length)
    upload.stop('enough')
    expect(upload.again(1)).toBe(false)
    await settled()
    expect(sent).toEqual([])
  })
})

test('a stream is gone when it was sent', async () => {
  const upload = uploading(streamSource(new Blob(['abc']).stream()))
  upload.granted(0, 10)
  await until(() => told().end !== undefined)
  expect(upload.again(1)).toBe(false)
})
