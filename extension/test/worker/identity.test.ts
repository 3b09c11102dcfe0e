// Who a port belongs to, from what the browser says and from nothing else (threat 1).

import { describe, expect, test } from 'vitest'
import type { Sender } from '../../src/platform/platform'
import { identify, identifyWriter } from '../../src/worker/identity'

const ID = 'flafilfjcooomhoadlnfjondkibchmmc'

const sender = (changes: object = {}): Sender =>
  ({
    id: ID,
    origin: 'https://app.example.com',
    url: 'https://app.example.com/page?secret',
    frameId: 3,
    documentId: '9F1C',
    tab: { id: 7, incognito: false },
    ...changes
  }) as Sender

const without = (name: keyof Sender): Sender => {
  const changed: { -readonly [Name in keyof Sender]: Sender[Name] } = sender()
  delete changed[name]
  return changed
}

test('a frame is its origin, tab, frame and document', () => {
  expect(identify(sender(), ID, false)).toEqual({
    page: { origin: 'https://app.example.com', tab: 7, frame: 3, document: '9F1C', private: false }
  })
})

test('the URL of the frame is not the origin, nor is that of its tab', () => {
  for (const url of ['about:srcdoc', 'blob:https://evil.example/1', 'https://evil.example/', undefined]) {
    const tab = { id: 7, incognito: false, url: 'https://evil.example/' }
    expect(identify(sender({ url, tab }), ID, false)).toMatchObject({ page: { origin: 'https://app.example.com' } })
  }
})

describe('a private window', () => {
  test.each([
    ['its own worker', true, { id: 7, incognito: false }, true],
    ['the tab says so', false, { id: 7, incognito: true }, true],
    ['a page without a tab in its own worker', true, undefined, true],
    ['an ordinary one', false, { id: 7, incognito: false }, false],
    ['a page without a tab', false, undefined, false]
  ])('%s', (_, privateContext, tab, expected) => {
    expect(identify(sender({ tab }), ID, privateContext)).toMatchObject({ page: { private: expected } })
  })
})

test('a page without a tab has none', () => {
  expect(identify(without('tab'), ID, false)).toMatchObject({ page: { tab: -1 } })
})

describe('refused', () => {
  test.each<[string, Sender | undefined, string]>([
    ['nobody', undefined, 'did not come from this extension'],
    ['another extension', sender({ id: 'a'.repeat(32) }), 'did not come from this extension'],
    ['a web page', without('id'), 'did not come from this extension'],
    ['no origin', without('origin'), 'does not say which origin'],
    ['an opaque origin', sender({ origin: 'null' }), 'opaque origin'],
    ['no frame', without('frameId'), 'which document'],
    ['no document', without('documentId'), 'which document'],
    ...[
      'file://',
      'chrome-extension://abc',
      'ftp://a.example',
      'data:',
      '',
      'https://',
      'app.example.com',
      'https://app.example.com/',
      'https://app.example.com:443',
      'https://APP.example.com',
      'https://user@app.example.com',
      ' https://app.example.com',
      'https://app.example.com\\@evil.example'
    ].map((origin): [string, Sender, string] => [`the origin ${origin}`, sender({ origin }), 'http: and https:'])
  ])('%s', (_, from, says) => {
    const identity = identify(from, ID, false)
    expect(identity).toEqual({ refusal: expect.stringContaining(says) })
  })
})

test('the writer is who it is by its port, in the top frame of a tab alone', () => {
  const top = { frameId: 0 }
  const page = { origin: 'https://app.example.com', tab: 7, frame: 0, document: '9F1C', private: false }
  expect(identifyWriter(sender(top), ID, false)).toEqual({ page: { ...page, principal: 'writer' } })
  // By a page's port the same document is the page.
  expect(identify(sender(top), ID, false)).toEqual({ page })
  for (const other of [
    { frameId: 3 },
    { tab: undefined },
    { origin: 'null' },
    { id: 'other' },
    { documentId: undefined }
  ]) {
    expect(identifyWriter(sender({ ...top, ...other }), ID, false)).toEqual({ refusal: expect.any(String) })
  }
})
