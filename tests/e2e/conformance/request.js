// Fetch standard, section 5.3 (body forms) and 5.4 (the Request class), by what fetch makes of its arguments.

chapter('arguments')

test('fetch has one required argument', (t) => t.fetch.length)
test('none at all', (t) => t.caught(() => t.fetch()))
test('what is wrong is a rejection and not thrown', async (t) => {
  const promise = t.fetch('http://[')
  return [promise instanceof Promise, await t.caught(() => promise)]
})
test('a promise of the realm is returned', (t) => {
  const promise = t.fetch(t.inspectUrl())
  return [promise.constructor === Promise, Object.prototype.toString.call(promise)]
})
test('is free of this', async (t) => {
  const { fetch } = t
  return [(await fetch.call(undefined, t.inspectUrl())).status, (await fetch.call(window, t.inspectUrl())).status]
})
test('is no constructor', (t) => t.caught(() => new t.fetch(t.inspectUrl())))

const BAD_URLS = ['http://', 'http://[', 'http://a b/', 'https://exa%mple/', 'http://a:b/', 'http://a:99999/', '//', 'http://user@HOST/', 'http://user:pass@HOST/', 'http://:pass@HOST/', 'javascript:1', 'mailto:a@b', 'foo:bar', 'file:///etc/passwd', 'ftp://HOST/', 'about:blank', 'ws://HOST/', 'http://HOST:0/', 'http://HOST:25/']
each(BAD_URLS, (url) => `URL ${url}`, (t, url) => t.caught(() => t.fetch(url.replace('HOST', new URL(t.base).hostname))))
each(
  ['data:,text', 'data:text/plain;charset=utf-8,%e2%82%ac', 'data:;base64,AAEC', 'data:nonsense'],
  (url) => `URL ${url}`,
  (t, url) => t.caught(async () => {
    const response = await t.fetch(url)
    return [response.status, response.headers.get('content-type'), new Uint8Array(await response.arrayBuffer())]
  })
)
test('URL of a blob', async (t) => {
  const url = URL.createObjectURL(new Blob(['blob text'], { type: 'x/y' }))
  t.later(() => URL.revokeObjectURL(url))
  const response = await t.fetch(url)
  return [response.status, response.headers.get('content-type'), await response.text()]
})
test('URL of a blob that is revoked', (t) => {
  const url = URL.createObjectURL(new Blob(['blob text']))
  URL.revokeObjectURL(url)
  return t.caught(() => t.fetch(url))
})
const INPUTS = {
  URL: (url) => new URL(url), 'object with toString': (url) => ({ toString: () => url }), 'String object': (url) => new String(url),
  Request: (url) => new Request(url), 'list of one': (url) => [url], 'anchor element': (url) => Object.assign(document.createElement('a'), { href: url }),
  'white space around': (url) => `  \n${url}\t `, 'upper-case scheme': (url) => url.replace('http', 'HTTP'), 'tab and newline inside': (url) => url.replace('/c/', '/c\t/\n'),
  'backslashes': (url) => url.replace('/c/', '\\c\\'), 'dot segments': (url) => url.replace('/c/', '/x/../c/./')
}
each(Object.keys(INPUTS), (form) => `input as ${form}`, async (t, form) => {
  const { url, status } = await t.fetch(INPUTS[form](t.url('c/inspect?fixed')))
  return { url, status }
})
const BAD_INPUTS = { symbol: () => Symbol('s'), 'throwing toString': () => ({ toString() { throw new RangeError('mine') } }), 'null prototype object': () => Object.create(null) }
each(Object.keys(BAD_INPUTS), (form) => `input as ${form}`, (t, form) => t.caught(() => t.fetch(BAD_INPUTS[form]())))
each(['?a=b c', '?q=ä€', '?q=%E4', '?q=%zz', "?a='b\"<>`", '?', '?a=b#fragment', '#fragment', '?a[]=1&b={}|^', '?a=%00', '?a=\\'], (query) => `URL with ${query}`, async (t, query) => {
  const response = await t.fetch(t.url('c/inspect') + query)
  return [response.url, (await response.json()).target]
})
each(['c/inspect/../inspect', 'c//inspect', 'c/%69nspect', 'c/inspect%2F', 'c/inspect;x=1', 'c/ä', "c/!$&'()*+,;=:@-._~"], (path) => `path ${path}`, async (t, path) => {
  const response = await t.fetch(t.url(path))
  return [response.url, response.status]
})
test('relative URL', async (t) => (await t.fetch('/c/inspect?relative')).status)
alone('relative URL against a base element', async (t) => {
  const base = Object.assign(document.createElement('base'), { href: `${location.origin}/c/` })
  document.head.append(base)
  t.later(() => base.remove())
  return (await t.fetch('inspect')).status
})

const MEMBERS = {
  method: ['', ' ', 'a b', 'G\nET', 'CONNECT', 'connect', 'TRACE', 'TrAcK', 'ä', null],
  mode: ['navigate', 'nonsense', '', null], credentials: ['nonsense', null], cache: ['nonsense', null], redirect: ['nonsense', '', null],
  referrerPolicy: ['nonsense', null], referrer: ['http://[', null], duplex: ['full', 'nonsense', null], priority: ['nonsense', null],
  signal: [1, {}, 'x', true], window: ['x', {}], integrity: [null], keepalive: [null, 'x'], body: []
}
for (const [member, values] of Object.entries(MEMBERS)) {
  each(values, (value) => `${member}: ${JSON.stringify(value)}`, (t, value) => t.caught(async () => (await t.fetch(t.inspectUrl(), { [member]: value })).status))
}
each([1, 'text', true, Symbol('s'), 1n], (init) => `init of type ${typeof init}`, (t, init) => t.caught(async () => (await t.fetch(t.inspectUrl(), init)).status))
each([null, undefined, {}, [], () => 1, new Date(0)], (init) => `init ${Object.prototype.toString.call(init)}`, (t, init) => t.caught(async () => (await t.fetch(t.inspectUrl(), init)).status))
test('members of init that are unknown are ignored', async (t) => (await t.fetch(t.inspectUrl(), { nonsense: 1 })).status)
test('members of init may be inherited', (t) => t.inspect(Object.create({ method: 'POST', body: 'inherited' })))
test('members of init are read in order, each once', async (t) => {
  const read = []
  const init = new Proxy({}, { get: (_, name) => { if (KNOWN.has(name)) read.push(name) } })
  await t.fetch(t.inspectUrl(), init)
  return read
})
const KNOWN = new Set(['body', 'cache', 'credentials', 'duplex', 'headers', 'integrity', 'keepalive', 'method', 'mode', 'priority', 'redirect', 'referrer', 'referrerPolicy', 'signal', 'window'])
test('a throwing member of init is the rejection', (t) => t.caught(() => t.fetch(t.inspectUrl(), { get method() { throw new RangeError('mine') } })))
each(['follow', 'error', 'manual'], (redirect) => `redirect: ${redirect} on what is none`, async (t, redirect) => (await t.fetch(t.inspectUrl(), { redirect })).status)
each(['omit', 'same-origin', 'include'], (credentials) => `credentials: ${credentials}`, async (t, credentials) => (await t.fetch(t.inspectUrl(), { credentials })).status)
each(['high', 'low', 'auto'], (priority) => `priority: ${priority}`, async (t, priority) => (await t.fetch(t.inspectUrl(), { priority })).status)
each(['no-referrer', 'origin', 'unsafe-url', ''], (referrerPolicy) => `referrerPolicy: ${referrerPolicy}`, async (t, referrerPolicy) => (await t.fetch(t.inspectUrl(), { referrerPolicy })).status)
test('mode: no-cors allows only simple headers', (t) => t.inspect({ mode: 'no-cors', headers: { 'x-a': '1', accept: 'a/b' } }, 'x-a', 'accept'))
test('mode: no-cors with PUT', (t) => t.caught(() => t.fetch(t.inspectUrl(), { mode: 'no-cors', method: 'PUT' })))
test('mode: same-origin', async (t) => (await t.fetch(t.inspectUrl(), { mode: 'same-origin' })).status)
test('cache: only-if-cached without mode: same-origin', (t) => t.caught(() => t.fetch(t.inspectUrl(), { cache: 'only-if-cached' })))
test('cache: only-if-cached of what is not cached', (t) => t.caught(async () => (await t.fetch(t.inspectUrl(), { cache: 'only-if-cached', mode: 'same-origin' })).status))
test('keepalive', async (t) => (await t.fetch(t.inspectUrl(), { method: 'POST', body: 'x', keepalive: true })).status)

chapter('methods')

each(['get', 'Get', 'post', 'put', 'delete', 'options', 'GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'patch', 'chicken', 'CHICKEN', 'M-SEARCH', 'PROPFIND', 'QUERY'], (method) => method, (t, method) => t.caught(() => t.inspect({ method })))
each(['head', 'HEAD'], (method) => method, async (t, method) => {
  const response = await t.raw({ body: 'not sent', headers: [['X-A', '1']] }, { method })
  return [response, response.headers.get('content-length'), response.headers.get('x-a'), await response.text(), response.bodyUsed]
})
each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CHICKEN', 'GET'], (method) => `${method} without a body has this Content-Length`, (t, method) => t.inspect({ method }, 'content-length', 'content-type'))
each(['GET', 'HEAD', 'get'], (method) => `${method} with a body`, (t, method) => t.caught(() => t.fetch(t.inspectUrl(), { method, body: 'x' })))
test('GET with an empty body', (t) => t.caught(() => t.fetch(t.inspectUrl(), { body: '' })))
each([null, undefined], (body) => `GET with body ${body}`, (t, body) => t.inspect({ body }))
each(['DELETE', 'OPTIONS', 'CHICKEN'], (method) => `${method} with a body`, (t, method) => t.inspect({ method, body: 'x' }, 'content-length'))

chapter('body forms')

const form = () => { const data = new FormData(); data.append('a', '1'); data.append('a', 'ä €'); data.append('b\r\n"', 'line\nline'); return data }
const BODIES = {
  string: () => 'text ä €', 'empty string': () => '', 'lone surrogate': () => 'a\ud800b', URLSearchParams: () => new URLSearchParams({ a: '1 2', b: 'ä&' }),
  'empty URLSearchParams': () => new URLSearchParams(), Blob: () => new Blob(['blob ', 'text']), 'Blob with type': () => new Blob(['{}'], { type: 'Application/JSON; a=B' }),
  'empty Blob': () => new Blob([]), 'slice of a Blob': () => new Blob(['0123456789'], { type: 'a/b' }).slice(2, 5, 'c/d'), File: () => new File(['file'], 'name.txt', { type: 'text/plain' }),
  ArrayBuffer: () => new Uint8Array([0, 1, 254, 255]).buffer, 'empty ArrayBuffer': () => new ArrayBuffer(0), Uint8Array: () => new Uint8Array([1, 2, 3]),
  'part of a buffer': () => new Uint8Array([0, 1, 2, 3, 4]).subarray(1, 3), Uint16Array: () => new Uint16Array([1, 256]), Float64Array: () => new Float64Array([1]), DataView: () => new DataView(new Uint8Array([0, 1, 2, 3]).buffer, 1, 2),
  'BigInt64Array': () => new BigInt64Array([1n]), 'resizable buffer': () => { const buffer = new ArrayBuffer(2, { maxByteLength: 8 }); new Uint8Array(buffer).set([7, 8]); return buffer },
  number: () => 42, boolean: () => true, object: () => ({ a: 1 }), array: () => [1, 2], 'object with toString': () => ({ toString: () => 'mine' }), Date: () => new Date(NaN), function: () => Object.assign(() => 1, { toString: () => 'function text' })
}
for (const name of Object.keys(BODIES)) {
  test(name, (t) => t.caught(() => t.inspect({ method: 'POST', body: BODIES[name]() }, 'content-type', 'content-length', 'transfer-encoding')))
  if (name !== 'empty string') test(`${name} in a Request`, (t) => t.caught(async () => t.seen(await t.fetch(new Request(t.inspectUrl(), { method: 'POST', body: BODIES[name]() })), 'content-type', 'content-length', 'transfer-encoding')))
}
test('FormData', async (t) => {
  const { headers, body } = await t.inspect({ method: 'POST', body: form() }, 'content-type')
  const boundary = headers[0][1].split('boundary=')[1]
  return [headers[0][1].replace(boundary, 'B'), body.replaceAll(boundary, 'B')]
})
test('FormData with files', async (t) => {
  const data = new FormData()
  data.append('file', new File(['content'], 'nämé "x".txt', { type: 'text/plain' }))
  data.append('blob', new Blob(['bytes']))
  const { headers, body } = await t.inspect({ method: 'POST', body: data }, 'content-type')
  return body.replaceAll(headers[0][1].split('boundary=')[1], 'B')
})
test('empty FormData', async (t) => {
  const { headers, body } = await t.inspect({ method: 'POST', body: new FormData() }, 'content-type')
  return body.replaceAll(headers[0][1].split('boundary=')[1], 'B')
})
test('symbol', (t) => t.caught(() => t.inspect({ method: 'POST', body: Symbol('s') })))
test('throwing toString', (t) => t.caught(() => t.inspect({ method: 'POST', body: { toString() { throw new RangeError('mine') } } })))
test('detached ArrayBuffer', (t) => {
  const buffer = new ArrayBuffer(8)
  structuredClone(buffer, { transfer: [buffer] })
  return t.caught(() => t.inspect({ method: 'POST', body: buffer }, 'content-length'))
})
test('detached view', (t) => {
  const bytes = new Uint8Array(8)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return t.caught(() => t.inspect({ method: 'POST', body: bytes }, 'content-length'))
})
test('shared memory', (t) => t.caught(() => t.inspect({ method: 'POST', body: new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer) }, 'content-length')))
test('a buffer changed after the call is sent as it was', async (t) => {
  const bytes = new Uint8Array([1, 2, 3])
  const asked = t.inspect({ method: 'POST', body: bytes })
  bytes.fill(9)
  return (await asked).body
})
test('a buffer detached after the call is sent as it was', async (t) => {
  const bytes = new Uint8Array([1, 2, 3])
  const asked = t.inspect({ method: 'POST', body: bytes })
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return (await asked).body
})
test('URLSearchParams changed after the call is sent as it was', async (t) => {
  const params = new URLSearchParams({ a: '1' })
  const asked = t.inspect({ method: 'POST', body: params })
  params.set('a', '2')
  return (await asked).body
})
test('FormData changed after the call is sent as it was', async (t) => {
  const data = form()
  const asked = t.inspect({ method: 'POST', body: data })
  data.append('later', 'x')
  return (await asked).body.includes('later')
})
test('the caller\'s Content-Type stays', (t) => t.inspect({ method: 'POST', body: 'x', headers: { 'content-type': 'a/b' } }, 'content-type'))
test('the caller\'s empty Content-Type stays', (t) => t.inspect({ method: 'POST', body: 'x', headers: { 'content-type': '' } }, 'content-type'))
test('Content-Type without a body is sent', (t) => t.inspect({ method: 'POST', headers: { 'content-type': 'a/b' } }, 'content-type', 'content-length'))
test('half a megabyte of text', async (t) => {
  const response = await t.fetch(t.url('c/digest'), { method: 'POST', body: 'ä'.repeat(1 << 18) })
  return response.json()
})
test('a megabyte of a Blob', async (t) => (await t.fetch(t.url('c/digest'), { method: 'POST', body: new Blob([new Uint8Array(1 << 20).fill(5)]) })).json())
test('body member is read once', async (t) => {
  let reads = 0
  await t.inspect({ method: 'POST', get body() { reads += 1; return 'x' } })
  return reads
})

chapter('stream bodies')

const streamOf = (...chunks) => new ReadableStream({ start(controller) { for (const chunk of chunks) controller.enqueue(chunk); controller.close() } })
test('without duplex', (t) => t.caught(() => t.fetch(t.inspectUrl(), { method: 'POST', body: streamOf() })))
test('that is locked', (t) => {
  const body = streamOf()
  body.getReader()
  return t.caught(() => t.fetch(t.inspectUrl(), { method: 'POST', body, duplex: 'half' }))
})
test('that is disturbed', async (t) => {
  const body = streamOf(new Uint8Array(1))
  const reader = body.getReader()
  await reader.read()
  reader.releaseLock()
  return t.caught(() => t.fetch(t.inspectUrl(), { method: 'POST', body, duplex: 'half' }))
})
test('with GET', (t) => t.caught(() => t.fetch(t.inspectUrl(), { body: streamOf(), duplex: 'half' })))
test('with keepalive', (t) => t.caught(() => t.fetch(t.inspectUrl(), { method: 'POST', body: streamOf(), duplex: 'half', keepalive: true })))
test('with mode: no-cors', (t) => t.caught(() => t.fetch(t.inspectUrl(), { method: 'POST', body: streamOf(), duplex: 'half', mode: 'no-cors' })))
test('are sent over HTTP/1.1', (t) => t.caught(() => t.inspect({ method: 'POST', body: streamOf(new Uint8Array([65])), duplex: 'half' }, 'transfer-encoding')))
test('are locked by fetch', (t) => {
  const body = streamOf()
  t.fetch(t.inspectUrl(), { method: 'POST', body, duplex: 'half' }).catch(() => undefined)
  return body.locked
})
test('an async generator is a body', (t) => t.caught(() => t.inspect({ method: 'POST', duplex: 'half', body: (async function* () { yield 'piece' })() })))

chapter('Request as input')

test('method, headers and body are taken', async (t) => t.seen(await t.fetch(new Request(t.inspectUrl(), { method: 'PUT', body: 'text', headers: { 'x-a': '1' } })), 'x-a', 'content-type'))
test('init overrides method', async (t) => t.seen(await t.fetch(new Request(t.inspectUrl(), { method: 'PUT' }), { method: 'POST' })))
test('init overrides all headers', async (t) => t.seen(await t.fetch(new Request(t.inspectUrl(), { headers: { 'x-a': '1', 'x-b': '2' } }), { headers: { 'x-a': '3' } }), 'x-a', 'x-b'))
test('init with empty headers drops them all', async (t) => t.seen(await t.fetch(new Request(t.inspectUrl(), { headers: { 'x-a': '1' } }), { headers: {} }), 'x-a'))
test('init overrides body', async (t) => {
  const request = new Request(t.inspectUrl(), { method: 'POST', body: 'first' })
  return [await t.seen(await t.fetch(request, { body: 'second' }), 'content-type'), request.bodyUsed]
})
test('init body null leaves the body', async (t) => t.seen(await t.fetch(new Request(t.inspectUrl(), { method: 'POST', body: 'first' }), { body: null })))
test('init method GET with a body of the Request', (t) => t.caught(() => t.fetch(new Request(t.inspectUrl(), { method: 'POST', body: 'x' }), { method: 'GET' })))
test('its body is used at once', (t) => {
  const request = new Request(t.inspectUrl(), { method: 'POST', body: 'x' })
  t.fetch(request).catch(() => undefined)
  return [request.bodyUsed, request.body.locked]
})
test('without a body is not used', async (t) => {
  const request = new Request(t.inspectUrl())
  await t.fetch(request)
  return [request.bodyUsed, (await t.fetch(request)).status]
})
test('used twice is refused', async (t) => {
  const request = new Request(t.inspectUrl(), { method: 'POST', body: 'x' })
  await t.fetch(request)
  return t.caught(() => t.fetch(request))
})
test('used twice with a new body is taken', async (t) => {
  const request = new Request(t.inspectUrl(), { method: 'POST', body: 'x' })
  await t.fetch(request)
  return t.seen(await t.fetch(request, { body: 'y' }))
})
test('whose body was read is refused', async (t) => {
  const request = new Request(t.inspectUrl(), { method: 'POST', body: 'x' })
  await request.text()
  return t.caught(() => t.fetch(request))
})
test('whose body is locked is refused', (t) => {
  const request = new Request(t.inspectUrl(), { method: 'POST', body: 'x' })
  request.body.getReader()
  return t.caught(() => t.fetch(request))
})
test('cloned before', async (t) => {
  const request = new Request(t.inspectUrl(), { method: 'POST', body: 'twice' })
  const clone = request.clone()
  return [await t.seen(await t.fetch(request)), await t.seen(await t.fetch(clone))]
})
test('refused arguments leave it unused', async (t) => {
  const request = new Request(t.inspectUrl(), { method: 'POST', body: 'x' })
  return [await t.caught(() => t.fetch(request, { method: 'a b' })), request.bodyUsed]
})
test('with redirect: error', (t) => t.caught(() => t.fetch(new Request(t.rawUrl({ status: 302, headers: [['Location', '/c/inspect']] }), { redirect: 'error' }))))
test('of a subclass with overridden members', async (t) => {
  class Mine extends Request { get method() { return 'PUT' } get url() { return 'http://elsewhere.invalid/' } }
  return t.seen(await t.fetch(new Mine(t.inspectUrl())))
})
test('its signal, aborted before', (t) => t.caught(() => t.fetch(new Request(t.inspectUrl(), { signal: AbortSignal.abort(new RangeError('mine')) }))))
test('its aborted signal replaced by init', async (t) => (await t.fetch(new Request(t.inspectUrl(), { signal: AbortSignal.abort() }), { signal: new AbortController().signal })).status)
test('its aborted signal removed by init', async (t) => (await t.fetch(new Request(t.inspectUrl(), { signal: AbortSignal.abort() }), { signal: null })).status)
