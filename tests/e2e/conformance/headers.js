// Fetch standard, section 2.2.2 (headers) and 5.1 (the Headers class), as the server and the page see them.

chapter('request headers')

const FORBIDDEN = [
  'Accept-Charset', 'Accept-Encoding', 'Access-Control-Request-Headers', 'Access-Control-Request-Method', 'Connection',
  'Content-Length', 'Cookie', 'Cookie2', 'Date', 'DNT', 'Expect', 'Host', 'Keep-Alive', 'Origin', 'Referer', 'Set-Cookie',
  'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade', 'Via', 'Proxy-Authorization', 'Sec-Anything'
]
each(FORBIDDEN, (name) => `forbidden name ${name} is dropped`, async (t, name) => {
  const { headers } = await t.inspect({ headers: { [name]: 'forbidden-value' } }, name.toLowerCase())
  return headers.filter(([, value]) => value.includes('forbidden-value'))
})
each(
  ['X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method'],
  (name) => `${name} with a forbidden method is dropped, with another one sent`,
  async (t, name) => [
    await t.inspect({ headers: { [name]: 'TRACE' } }, name.toLowerCase()),
    await t.inspect({ headers: { [name]: 'GET, track' } }, name.toLowerCase()),
    await t.inspect({ headers: { [name]: 'PUT' } }, name.toLowerCase())
  ]
)

const BAD_NAMES = ['', ' ', 'a b', 'a:', 'a\n', 'a\r\nb', 'ä', 'a\0', '(x)', 'a/b', '@', '[', '{', '"', '\u{1f600}', 'a,b', 'a;b', 'a=b']
each(BAD_NAMES, (name) => `name ${shown(name)} is refused`, (t, name) =>
  t.caught(() => t.inspect({ headers: { [name]: 'x' } }))
)
each(["!#$%&'*+-.^_`|~", 'x-1', '0', 'X-UPPER'], (name) => `name ${JSON.stringify(name)} is sent`, (t, name) =>
  t.inspect({ headers: { [name]: 'x' } }, name.toLowerCase())
)
each(['a\0b', 'a\rb', 'a\nb', 'a\r\nx: y', '\u0100', '\u20ac', '\u{1f600}', '\ud800'], (value) => `value ${shown(value)} is refused`, (t, value) =>
  t.caught(() => t.inspect({ headers: { 'x-v': value } }))
)
const VALUES = ['', ' ', '\t', ' a ', '\ta\t', '\r\na\r\n', 'a b', 'a\tb', 'é', '\u00ff', '"quoted, text"', ',', ', ,', '\x01', '\x7f', 'a;b=c']
each(VALUES, (value) => `value ${shown(value)} is sent`, (t, value) =>
  t.caught(() => t.inspect({ headers: { 'x-v': value } }, 'x-v'))
)
each(
  [null, undefined, 1, true, {}, [], ['a', 'b'], { toString: () => 'text' }],
  (value) => `value of type ${typeof value} is text, ${String(value)}`,
  (t, value) => t.caught(() => t.inspect({ headers: { 'x-v': value } }, 'x-v'))
)
test('a symbol as value', (t) => t.caught(() => t.inspect({ headers: { 'x-v': Symbol('s') } })))
test('a symbol as name', (t) => t.caught(() => t.inspect({ headers: { [Symbol('s')]: 'x' } })))

const FORMS = {
  record: () => ({ 'X-B': '2', 'x-a': '1' }),
  pairs: () => [['X-B', '2'], ['x-a', '1']],
  Headers: () => new Headers({ 'X-B': '2', 'x-a': '1' }),
  Map: () => new Map([['X-B', '2'], ['x-a', '1']]),
  generator: () => (function* () { yield ['X-B', '2']; yield ['x-a', '1'] })(),
  'iterable of iterables': () => new Set([new Set(['X-B', '2']), ['x-a', '1']]),
  'iterator': () => [['X-B', '2'], ['x-a', '1']].values(),
  'null prototype': () => Object.assign(Object.create(null), { 'X-B': '2', 'x-a': '1' }),
  'record with inherited and hidden members': () =>
    Object.defineProperty(Object.create({ 'x-a': 'inherited' }, { 'x-b': { value: '2', enumerable: true } }), 'x-a', { value: 'hidden' }),
  'getter': () => ({ get 'x-a'() { return '1' } }),
  proxy: () => new Proxy({ 'x-a': '1', 'x-b': '2' }, {}),
  'empty record': () => ({}),
  'empty list': () => [],
  undefined: () => undefined
}
each(Object.keys(FORMS), (form) => `given as ${form}`, (t, form) => t.inspect({ headers: FORMS[form]() }, 'x-a', 'x-b'))
const BAD_FORMS = {
  null: () => null, number: () => 5, string: () => 'x-a: 1', 'pairs of one': () => [['x-a']], 'pairs of three': () => [['x-a', '1', '2']],
  'list of text': () => ['ab', 'cd'], 'throwing getter': () => ({ get 'x-a'() { throw new RangeError('mine') } }),
  'throwing iterator': () => ({ [Symbol.iterator]() { throw new RangeError('mine') } }), symbol: () => Symbol('s'), function: () => () => 1
}
each(Object.keys(BAD_FORMS), (form) => `given as ${form}`, (t, form) => t.caught(() => t.inspect({ headers: BAD_FORMS[form]() }, 'x-a')))
test('of one name are combined in order', (t) =>
  t.inspect({ headers: [['x-a', '1'], ['X-A', '2'], ['x-a', ' 3 ']] }, 'x-a'))
test('of one name in a record, differently written', (t) => t.inspect({ headers: { 'x-a': '1', 'X-A': '2' } }, 'x-a'))
test('a getter is read once', async (t) => {
  let reads = 0
  await t.inspect({ headers: { get 'x-a'() { reads += 1; return '1' } } })
  return reads
})
test('the headers member is read once', async (t) => {
  let reads = 0
  await t.inspect({ get headers() { reads += 1; return {} } })
  return reads
})
test('are read when fetch is called, not later', async (t) => {
  const headers = new Headers({ 'x-a': 'before' })
  const asked = t.inspect({ headers }, 'x-a')
  headers.set('x-a', 'after')
  return asked
})
test('are not changed by fetch', async (t) => {
  const headers = new Headers({ 'x-a': '1' })
  await t.inspect({ method: 'POST', body: 'text', headers })
  return headers
})
test('Accept by default', (t) => t.inspect({}, 'accept'))
test('Accept of the caller', (t) => t.inspect({ headers: { accept: 'text/event-stream' } }, 'accept'))
test('empty Accept of the caller', (t) => t.inspect({ headers: { accept: '' } }, 'accept'))
test('Accept-Language of the caller', (t) => t.inspect({ headers: { 'accept-language': 'tlh' } }, 'accept-language'))
test('Accept-Language by default', async (t) => (await t.inspect({}, 'accept-language')).headers.length)
test('Authorization of the caller', (t) => t.inspect({ headers: { Authorization: 'Bearer x' } }, 'authorization'))
test('User-Agent of the caller', async (t) => (await t.inspect({ headers: { 'User-Agent': 'mine' } }, 'user-agent')).headers.some(([, value]) => value === 'mine'))
test('User-Agent by default is the browser\'s', async (t) => (await t.inspect({}, 'user-agent')).headers.some(([, value]) => value === navigator.userAgent))
test('Origin of a POST is the page\'s', async (t) => (await t.inspect({ method: 'POST' }, 'origin')).headers.length)
test('Referer is the page', async (t) => (await t.inspect({}, 'referer')).headers.length)
test('Sec-Fetch fields and client hints are sent', async (t) => (await t.inspect({}, 'sec-fetch-mode', 'sec-fetch-site', 'sec-fetch-dest', 'sec-ch-ua')).headers.length)
alone('Cookie is sent to the page\'s own origin', async (t) => {
  document.cookie = 'conformance=1'
  t.later(() => { document.cookie = 'conformance=; max-age=0' })
  return (await t.inspect({}, 'cookie')).headers.length
})
test('Range of the caller goes without content codings', (t) => t.inspect({ headers: { Range: 'bytes=0-1' } }, 'range', 'accept-encoding'))
each(['If-None-Match', 'If-Match', 'If-Range', 'If-Unmodified-Since'], (name) => `${name} of the caller`, (t, name) =>
  t.inspect({ headers: { [name]: '"tag"' } }, name.toLowerCase(), 'cache-control', 'pragma'))
each(['default', 'no-store', 'reload', 'no-cache', 'force-cache'], (cache) => `cache: ${cache} tells caches on the way`, (t, cache) =>
  t.inspect({ cache }, 'cache-control', 'pragma'))
test('cache: no-store leaves the caller\'s Cache-Control', (t) =>
  t.inspect({ cache: 'no-store', headers: { 'cache-control': 'max-age=1', pragma: 'mine' } }, 'cache-control', 'pragma'))
test('a hundred of them', async (t) => {
  const headers = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`x-${i}`, `${i}`]))
  return (await t.inspect({ headers }, ...Object.keys(headers))).headers
})
test('a value of 8000 characters', async (t) => (await t.inspect({ headers: { 'x-a': 'y'.repeat(8000) } }, 'x-a')).headers[0][1].length)

chapter('response headers')

const showHeaders = async (t, headers) => {
  const response = await t.raw({ headers })
  return [...response.headers].filter(([name]) => name !== 'content-length')
}
const PAIRS = {
  'names in lower case, sorted': [['X-B', '2'], ['x-A', '1']],
  'one name twice': [['X-A', '1'], ['x-a', '2']],
  'one name twice, with another in between': [['X-A', '1'], ['X-B', 'b'], ['x-a', '2']],
  'empty value': [['X-A', '']],
  'one empty and one full value': [['X-A', ''], ['X-A', 'full'], ['X-A', '']],
  'white space around a value': [['X-A', '  a  b\t']],
  'a value of bytes above 127': [['X-A', '\u00e9\u00ff\u0080']],
  'a value of UTF-8 bytes': [['X-A', '\u00e2\u0082\u00ac']],
  'commas and quotes': [['X-A', '"a, b", c'], ['X-A', 'd']],
  'Set-Cookie is never shown': [['Set-Cookie', 'a=b'], ['Set-Cookie2', 'c=d'], ['X-A', '1']],
  'Vary and Link and Retry-After': [['Vary', 'Accept'], ['Link', '</a>; rel=next'], ['Retry-After', '120']],
  'Server, Date, ETag, Last-Modified, Expires': [['Server', 's'], ['Date', 'Tue, 15 Nov 1994 08:12:31 GMT'], ['ETag', '"e"'], ['Last-Modified', 'x'], ['Expires', '0']],
  'Content-Disposition and Content-Language': [['Content-Disposition', 'attachment'], ['Content-Language', 'en']],
  'CORS fields': [['Access-Control-Allow-Origin', '*'], ['Access-Control-Expose-Headers', 'x-a']],
  'CSP, Strict-Transport-Security, Permissions-Policy': [['Content-Security-Policy', "default-src 'none'"], ['Strict-Transport-Security', 'max-age=1'], ['Permissions-Policy', 'camera=()']],
  'names of symbols': [["!#$%&'*+-.^_`|~", 'x']],
  'Content-Type with odd case and parameters': [['Content-Type', 'TEXT/Plain; Charset=UTF-8; x="y z"']],
  'two Content-Types': [['Content-Type', 'text/plain'], ['Content-Type', 'text/html']],
  'Refresh and Location on a 200': [['Refresh', '0; url=/x'], ['Location', '/y']],
  'X-Content-Type-Options': [['X-Content-Type-Options', 'nosniff']],
  'WWW-Authenticate on a 200': [['WWW-Authenticate', 'Basic realm="x"']],
  'WWW-Authenticate twice': [['WWW-Authenticate', 'Bearer resource_metadata="https://x/", scope="a"'], ['www-authenticate', 'Basic']],
  'Authentication-Info': [['Authentication-Info', 'nextnonce="1"']],
  'Proxy-Authenticate': [['Proxy-Authenticate', 'Basic realm="x"']],
  'Clear-Site-Data': [['Clear-Site-Data', '"executionContexts"']],
  'Alt-Svc': [['Alt-Svc', 'clear']],
  'hop-by-hop fields': [['Keep-Alive', 'timeout=5'], ['Trailer', 'x-t'], ['Upgrade', 'h2c'], ['Proxy-Connection', 'keep-alive']]
}
each(Object.keys(PAIRS), (name) => name, (t, name) => showHeaders(t, PAIRS[name]))
test('Content-Length is shown', async (t) => (await t.raw({ body: 'four' })).headers.get('content-length'))
test('Transfer-Encoding is shown', async (t) => (await t.raw({ body: 'four', framing: 'chunked' })).headers.get('transfer-encoding'))
test('Connection is shown', async (t) => (await t.raw({ body: 'four', framing: 'close' })).headers.get('connection'))
test('can be asked for in any case', async (t) => {
  const { headers } = await t.raw({ headers: [['X-A', '1']] })
  return [headers.get('x-a'), headers.get('X-A'), headers.has('x-A'), headers.get('x-b'), headers.getSetCookie()]
})
test('an invalid name asked for', async (t) => {
  const { headers } = await t.raw({})
  return [await t.caught(() => headers.get('a b')), await t.caught(() => headers.has(''))]
})
for (const method of ['append', 'set']) {
  test(`are immutable to ${method}`, async (t) => {
    const { headers } = await t.raw({ headers: [['X-A', '1']] })
    return [await t.caught(() => headers[method]('x-a', '2')), await t.caught(() => headers[method]('bad name', '2')), headers.get('x-a')]
  })
}
test('are immutable to delete', async (t) => {
  const { headers } = await t.raw({ headers: [['X-A', '1']] })
  return [await t.caught(() => headers.delete('x-a')), await t.caught(() => headers.delete('x-none')), headers.get('x-a')]
})
test('of a clone are immutable', async (t) => {
  const { headers } = (await t.raw({ headers: [['X-A', '1']] })).clone()
  return [await t.caught(() => headers.set('x-a', '2')), headers.get('x-a')]
})
test('are immutable past their own methods too', async (t) => {
  const { headers } = await t.raw({ headers: [['X-A', '1']] })
  return [await t.caught(() => Headers.prototype.set.call(headers, 'x-a', '2')), headers.get('x-a')]
})
test('copied are mutable', async (t) => {
  const copy = new Headers((await t.raw({ headers: [['X-A', '1']] })).headers)
  copy.set('x-a', '2')
  return copy
})
test('are one object', async (t) => {
  const response = await t.raw({})
  return response.headers === response.headers
})
test('have no properties of their own', async (t) => Object.getOwnPropertyNames((await t.raw({})).headers))
test('go into a Response that a page makes', async (t) => {
  const response = await t.raw({ headers: [['X-A', '1'], ['Content-Type', 'text/plain']] })
  return new Response('x', response).headers.get('x-a')
})
test('can be iterated in every way', async (t) => {
  const { headers } = await t.raw({ headers: [['X-B', '2'], ['X-A', '1']], framing: 'none', then: 'close' })
  const visited = []
  headers.forEach((value, name, whole) => visited.push([value, name, whole === headers]))
  return [[...headers.keys()], [...headers.values()], [...headers.entries()], visited]
})
test('a hundred of them', async (t) => {
  const response = await t.raw({ headers: Array.from({ length: 100 }, (_, i) => [`X-${i}`, `${i}`]) })
  return [...response.headers].length
})
test('a value of 3000 characters', async (t) => (await t.raw({ headers: [['X-A', 'y'.repeat(3000)]] })).headers.get('x-a').length)
