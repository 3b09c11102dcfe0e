// RFC 9112 sections 2.2, 5.5, 6 and 7: framing and fields that are not as they should be, as they are met with.

chapter('rude framing')

const WIKI = '4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n'
const FRAMED = {
  'Transfer-Encoding chunked twice': ['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', WIKI],
  'Transfer-Encoding chunked, chunked': ['Transfer-Encoding: chunked, chunked', WIKI],
  'Transfer-Encoding Chunked in capitals': ['Transfer-Encoding: CHUNKED', WIKI],
  'Transfer-Encoding identity, with a length': ['Transfer-Encoding: identity\r\nContent-Length: 4', 'Wiki'],
  'Transfer-Encoding identity, until the end': ['Transfer-Encoding: identity', 'Wiki'],
  'Transfer-Encoding identity and chunked': ['Transfer-Encoding: identity, chunked', WIKI],
  'Transfer-Encoding of no value': ['Transfer-Encoding: \r\nContent-Length: 4', 'Wiki'],
  'Transfer-Encoding nobody knows': ['Transfer-Encoding: x-own', 'Wiki'],
  'Transfer-Encoding gzip, chunked': ['Transfer-Encoding: gzip, chunked', WIKI],
  'chunk sizes with zeros before them': ['Transfer-Encoding: chunked', '0004\r\nWiki\r\n0\r\n\r\n'],
  'chunk sizes with a space after them': ['Transfer-Encoding: chunked', '4 \r\nWiki\r\n0\r\n\r\n'],
  'chunk extensions': ['Transfer-Encoding: chunked', '4;a=b\r\nWiki\r\n0;c\r\n\r\n'],
  'chunk lines that end in LF': ['Transfer-Encoding: chunked', '4\nWiki\n5\npedia\n0\n\n'],
  'a chunk size that ends in LF': ['Transfer-Encoding: chunked', '4\nWiki\r\n5\r\npedia\r\n0\r\n\r\n'],
  'chunk data that ends in LF': ['Transfer-Encoding: chunked', '4\r\nWiki\n5\r\npedia\r\n0\r\n\r\n'],
  'a last chunk that ends in LF': ['Transfer-Encoding: chunked', '4\r\nWiki\r\n0\n\n'],
  'chunk sizes with 0x before them': ['Transfer-Encoding: chunked', '0x4\r\nWiki\r\n0\r\n\r\n'],
  'a chunk that is longer than its size': ['Transfer-Encoding: chunked', '4\r\nWikipedia\r\n0\r\n\r\n'],
  'trailers': ['Transfer-Encoding: chunked', '4\r\nWiki\r\n0\r\nX-Trailer: 1\r\n\r\n']
}
each(Object.keys(FRAMED), (name) => name, (t, name) => t.caught(async () => {
  const { 0: fields, 1: wire } = FRAMED[name]
  const response = await t.fetch(t.wireUrl(`HTTP/1.1 200 OK\r\n${fields}\r\n\r\n`, latin1(wire), 'close'))
  return [response.status, await response.text()]
}))
test('chunk lines that end in LF, on a connection that stays open', (t) => t.caught(async () => (await t.fetch(
  t.wireUrl('HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n', latin1('4\nWiki\n0\n\n'), 'hold'))).text()))
test('a head whose lines end in LF', (t) => t.caught(async () => {
  const response = await t.fetch(t.wireUrl('HTTP/1.1 200 OK\nX-A: 1\nContent-Length: 4\n\n', latin1('Wiki')))
  return [response.headers.get('x-a'), await response.text()]
}))

chapter('rude fields')

const CONTROLS = ['\0', '\x01', '\x0b', '\r', '\x1b', '\x7f', '\t']
each(CONTROLS, (control) => `value with ${shown(control)}`, (t, control) => t.caught(async () => {
  const response = await t.fetch(t.wireUrl(`HTTP/1.1 200 OK\r\nX-A: a${control}b\r\nX-C: c\r\nContent-Length: 2\r\n\r\n`, latin1('ok')))
  return [[...response.headers], await response.text()]
}))
each(CONTROLS, (control) => `value that ends with ${shown(control)}`, (t, control) => t.caught(async () => {
  const response = await t.fetch(t.wireUrl(`HTTP/1.1 200 OK\r\nX-A: a${control}\r\nX-C: c\r\nContent-Length: 2\r\n\r\n`, latin1('ok')))
  return [[...response.headers], await response.text()]
}))
each(['\0', '\x01', '\r', '\x7f'], (control) => `reason with ${shown(control)}`, (t, control) => t.caught(async () => {
  const response = await t.fetch(t.wireUrl(`HTTP/1.1 200 O${control}K\r\nX-C: c\r\nContent-Length: 2\r\n\r\n`, latin1('ok')))
  return [response.status, response.statusText, await response.text()]
}))
each(['\0', '\x01', ' ', '('], (control) => `name with ${shown(control)}`, (t, control) => t.caught(async () => {
  const response = await t.fetch(t.wireUrl(`HTTP/1.1 200 OK\r\nX${control}A: a\r\nX-C: c\r\nContent-Length: 2\r\n\r\n`, latin1('ok')))
  return [[...response.headers], await response.text()]
}))
test('a value that goes on in the next line', (t) => t.caught(async () => (await t.raw({ headers: [['X-A', 'a\r\n  b']] })).headers.get('x-a')))
test('names go out as they were written', async (t) => {
  const ask = async (headers) => (await (await t.fetch(t.url('c/names'), { headers })).json()).filter((name) => /^x-|^content-ty/i.test(name)).sort()
  return [
    await ask({ 'X-Upper': '1', 'x-lower': '2', 'X-mIxEd': '3', 'CONTENT-TYPE': 'a/b' }),
    await ask([['X-Upper', '1'], ['x-upper', '2']]),
    await ask(new Headers({ 'X-Upper': '1' }))
  ]
})

chapter('rude codings')

const gzipped = async (text) => new Uint8Array(await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer())
const deflated = async (text) => new Uint8Array(await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream('deflate'))).arrayBuffer())
const joined = (...parts) => new Uint8Array(parts.flatMap((part) => [...part]))
// The word `hello` as these libraries write it; a page cannot make either.
const BROTLI = Uint8Array.of(0x0b, 0x02, 0x80, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x03)
const ZSTD = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x05, 0x29, 0x00, 0x00, 0x68, 0x65, 0x6c, 0x6c, 0x6f)
const CODED = {
  'gzip and zeros': async () => ['gzip', await gzipped('hello'), new Uint8Array(512)],
  'gzip and one zero': async () => ['gzip', await gzipped('hello'), new Uint8Array(1)],
  'gzip and text': async () => ['gzip', await gzipped('hello'), latin1('\r\n<!-- made in 3 ms -->')],
  'gzip and half of the magic number': async () => ['gzip', await gzipped('hello'), Uint8Array.of(0x1f)],
  'gzip of two members': async () => ['gzip', await gzipped('hello'), await gzipped(' world')],
  'gzip of two members and zeros': async () => ['gzip', await gzipped('hello'), await gzipped(' world'), new Uint8Array(9)],
  'gzip and a second member that is cut': async () => ['gzip', await gzipped('hello'), (await gzipped(' world')).slice(0, -9)],
  'gzip and zeros and a second member': async () => ['gzip', await gzipped('hello'), new Uint8Array(9), await gzipped(' world')],
  'gzip and nothing': async () => ['gzip', await gzipped('hello')],
  'deflate and zeros': async () => ['deflate', await deflated('hello'), new Uint8Array(9)],
  'deflate and text': async () => ['deflate', await deflated('hello'), latin1('text')],
  'br and zeros': async () => ['br', BROTLI, new Uint8Array(9)],
  'br and text': async () => ['br', BROTLI, latin1('text')],
  'zstd and zeros': async () => ['zstd', ZSTD, new Uint8Array(9)],
  'zstd and text': async () => ['zstd', ZSTD, latin1('text')],
  'zstd of two frames': async () => ['zstd', ZSTD, ZSTD],
  'a gzip body that is not coded': async () => ['gzip', latin1('plain text')],
  'an empty gzip body': async () => ['gzip']
}
each(Object.keys(CODED), (name) => name, (t, name) => t.caught(async () => {
  const [coding, ...parts] = await CODED[name]()
  const response = await t.raw({ headers: [['Content-Encoding', coding]], body: joined(...parts) })
  return response.text()
}))
