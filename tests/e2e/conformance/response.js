// Fetch standard, sections 2.2.6 (responses), 4.4 (HTTP-redirect fetch) and 5.5 (the Response class).

chapter('response')

each([200, 201, 203, 206, 299, 300, 400, 401, 403, 404, 407, 408, 413, 421, 425, 426, 429, 499, 500, 503, 511, 599], (status) => `status ${status}`, (t, status) => t.caught(async () => {
  const response = await t.raw({ status, reason: 'Said So', body: 'text' })
  return [response.status, response.ok, response.statusText, response.type, await response.text()]
}))
each([204, 205, 304], (status) => `status ${status} has no body`, async (t, status) => {
  const response = await t.fetch(t.wireUrl(`HTTP/1.1 ${status} Nothing\r\nX-A: 1\r\n${status === 205 ? 'Content-Length: 0\r\n' : ''}\r\n`))
  return [response.status, response.ok, response.body, response.bodyUsed, await response.text(), response.bodyUsed, response.headers.get('x-a')]
})
each([204, 304], (status) => `clone of a ${status}`, async (t, status) => {
  const clone = (await t.fetch(t.wireUrl(`HTTP/1.1 ${status} Nothing\r\n\r\n`))).clone()
  return [clone.status, clone.body, new Uint8Array(await clone.arrayBuffer())]
})
each(['204 No Content', '205 Reset', '304 Not Modified'], (line) => `${line.slice(0, 3)} with Content-Length`, async (t, line) => {
  const response = await t.fetch(t.wireUrl(`HTTP/1.1 ${line}\r\nContent-Length: 0\r\n\r\n`))
  return [response.body, response.headers.get('content-length')]
})
each([300, 304, 305, 306], (status) => `status ${status} with a Location is no redirect`, async (t, status) => {
  const response = await t.fetch(t.wireUrl(`HTTP/1.1 ${status} X\r\nLocation: /c/inspect\r\nContent-Length: 0\r\n\r\n`))
  return [response.status, response.redirected, response.url === t.inspectUrl()]
})
each(['', 'OK', 'Not Ok At All', 'with\ttab', 'Größe', 'a'.repeat(200), ' padded '], (reason) => `reason ${JSON.stringify(reason.slice(0, 20))}`, async (t, reason) => (await t.raw({ reason })).statusText)
test('status line without a reason', async (t) => {
  const response = await t.fetch(t.wireUrl('HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n'))
  return [response.status, response.statusText]
})
test('HTTP/1.0', async (t) => {
  const response = await t.fetch(t.wireUrl('HTTP/1.0 200 Old\r\n\r\n', latin1('old'), 'close'))
  return [response.status, await response.text()]
})
test('is a genuine Response', async (t) => {
  const response = await t.raw({})
  return [response instanceof Response, Object.prototype.toString.call(response), response.constructor === Response, Object.getPrototypeOf(response) === Response.prototype]
})
test('has no enumerable properties of its own', async (t) => Object.keys(await t.raw({})))
test('has no properties of its own', async (t) => Object.getOwnPropertyNames(await t.raw({})))
test('its members cannot be assigned', async (t) => {
  const response = await t.raw({})
  const assign = (name) => t.caught(() => { 'use strict'; response[name] = 'mine'; return response[name] === 'mine' })
  return [await assign('url'), await assign('type'), await assign('status'), await assign('redirected')]
})
test('describes itself', async (t) => (await t.fetch(t.url('c/inspect?fixed#fragment'))))
test('url by the getter of the prototype', async (t) => Object.getOwnPropertyDescriptor(Response.prototype, 'url').get.call(await t.fetch(t.url('c/inspect?fixed'))))
test('type by the getter of the prototype', async (t) => Object.getOwnPropertyDescriptor(Response.prototype, 'type').get.call(await t.fetch(t.url('c/inspect?fixed'))))
test('a Response made from it', async (t) => {
  const response = await t.raw({ status: 201, reason: 'Made', body: 'text' })
  const made = new Response(response.body, response)
  return [made, await made.text(), response.bodyUsed]
})
test('a clone describes itself', async (t) => {
  const response = await t.fetch(t.url('c/inspect?fixed'))
  return [response.clone(), response.clone().clone(), response.clone().headers.get('content-type')]
})
test('a clone by the method of the prototype', async (t) => Response.prototype.clone.call(await t.fetch(t.url('c/inspect?fixed'))).url)
test('both of response and clone can be read', async (t) => {
  const response = await t.raw({ body: 'text' })
  const clone = response.clone()
  return [await clone.text(), response.bodyUsed, await response.text()]
})
test('a clone of what is used is refused', async (t) => {
  const response = await t.raw({ body: 'text' })
  await response.text()
  return t.caught(() => response.clone())
})
test('a clone of what is locked is refused', async (t) => {
  const response = await t.raw({ body: 'text' })
  response.body.getReader()
  return t.caught(() => response.clone())
})
test('goes through a message channel not at all', async (t) => {
  const response = await t.raw({})
  return t.caught(() => structuredClone(response))
})
test('is resolved when headers are there, before the body', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.arrived()
  await held.head()
  const response = await asked
  t.note(response.status)
  await held.chunk('late')
  await held.end()
  return response.text()
})
test('a 103 before it is not seen', async (t) => {
  const response = await t.fetch(t.wireUrl('HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', latin1('ok')))
  return [response.status, response.headers.get('x-early'), await response.text()]
})
test('a 100 before it is not seen', async (t) => (await t.fetch(t.wireUrl('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'))).status)

chapter('errors of the network')

const BROKEN = {
  'closed at once': ['', '', 'close'], 'reset at once': ['', '', 'reset'], 'not HTTP': ['SSH-2.0-OpenSSH\r\n\r\n', '', 'close'], 'head cut': ['HTTP/1.1 200 OK\r\nContent-Ty', '', 'close'],
  'two different lengths': ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n', 'abc', 'close'],
  'two equal lengths': ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n', 'ab', 'close'],
  'negative length': ['HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', 'ab', 'close'], 'length that is no number': ['HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n', 'ab', 'close'],
  'length and chunked': ['HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n', '2\r\nab\r\n0\r\n\r\n', 'close'],
  'body cut': ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', 'half', 'close'], 'body reset': ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', 'half', 'reset'],
  'chunk cut': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '8\r\nhalf', 'close'], 'last chunk missing': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '4\r\nhalf\r\n', 'close'],
  'bad chunk size': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'zz\r\nhalf\r\n', 'close'], 'not gzip': ['HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n', 'half', 'keep'],
  'gzip without a byte': ['HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n', '', 'keep'],
  'unknown coding': ['HTTP/1.1 200 OK\r\nContent-Encoding: rot13\r\nContent-Length: 4\r\n\r\n', 'half', 'keep'], 'identity coding': ['HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 4\r\n\r\n', 'half', 'keep'],
  'header without a colon': ['HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n', '', 'keep'], 'header with white space before the colon': ['HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 0\r\n\r\n', '', 'keep'],
  'folded header': ['HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n', '', 'keep'], 'NUL in a header': ['HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 0\r\n\r\n', '', 'keep'],
  'bare line feeds': ['HTTP/1.1 200 OK\nX-A: 1\nContent-Length: 2\n\n', 'ab', 'close'], 'a body on a 204': ['HTTP/1.1 204 No\r\nContent-Length: 4\r\n\r\n', 'half', 'close'],
  'status 99': ['HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n', '', 'close'], 'status 600': ['HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n', '', 'close'], 'status 1000': ['HTTP/1.1 1000 X\r\nContent-Length: 0\r\n\r\n', '', 'close'],
  '101 unasked': ['HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', '', 'close'], 'trailing fields': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '2\r\nab\r\n0\r\nX-T: 1\r\n\r\n', 'keep'],
  'chunk extensions': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '2;a=b\r\nab\r\n0\r\n\r\n', 'keep'], 'more than the length': ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', 'abcd', 'close'],
  'an empty line before the status line': ['\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', 'ab', 'keep'], 'a bare line feed before the status line': ['\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', 'ab', 'keep'],
  'two empty lines before the status line': ['\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', 'ab', 'keep'], 'three empty lines before the status line': ['\r\n\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', 'ab', 'close'],
  'a 205 with a length and a body': ['HTTP/1.1 205 Reset\r\nContent-Length: 4\r\n\r\n', 'half', 'keep'], 'a 205 without a length': ['HTTP/1.1 205 Reset\r\n\r\n', '', 'close']
}
each(Object.keys(BROKEN), (name) => name, (t, name) => {
  const [head, body, then] = BROKEN[name]
  return t.caught(async () => {
    const response = await t.fetch(t.wireUrl(head, latin1(body), then))
    return [response.status, await t.caught(() => response.text())]
  })
})
test('nobody listens on the port', (t) => t.caught(() => t.fetch(`${location.protocol}//${new URL(t.base).hostname}:1/`)))
test('the name of the error\'s class', async (t) => {
  const error = await t.fetch(t.wireUrl('', undefined, 'close')).catch((error) => error)
  return [error.constructor.name, error.name]
})
test('is a TypeError', async (t) => {
  const error = await t.fetch(t.wireUrl('', undefined, 'close')).catch((error) => error)
  return [error instanceof TypeError, error instanceof Error, typeof error.message, typeof error.stack, Object.prototype.toString.call(error)]
})
test('a body that fails gives what came before it', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const reader = (await asked).body.getReader()
  await held.chunk('half')
  t.note((await reader.read()).value)
  await held.send('', 'end-close')
  return [await t.caught(() => reader.read()), await t.caught(() => reader.read()), await t.caught(() => reader.closed)]
})
alone('a body that fails, unread, disturbs nobody', async (t) => {
  const response = await t.fetch(t.wireUrl('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', latin1('half'), 'close'))
  await tick()
  return response.bodyUsed
})
alone('a rejection that nobody handles is reported', async (t) => {
  t.fetch(t.wireUrl('', undefined, 'close'))
  while (unheard.length === 0) await tick()
})
each(['gzip', 'deflate', 'br', 'zstd', 'gzip,br'], (coding) => `${coding} is decoded`, async (t, coding) => {
  const response = await t.fetch(t.url(`coded?coding=${coding}&size=500`))
  const size = (await response.arrayBuffer()).byteLength
  return [size, response.headers.get('content-encoding'), Number(response.headers.get('content-length')) > 0]
})
each(['gzip', 'deflate', 'br', 'zstd'], (coding) => `${coding} that is cut`, async (t, coding) => {
  const response = await t.fetch(t.url(`coded?coding=${coding}&size=500&cut=9`))
  return t.caught(() => response.arrayBuffer())
})

chapter('integrity')

const digestOf = async (name, text) => `${name.toLowerCase().replace('-', '')}-${btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest(name, utf8(text)))))}`
each(['SHA-256', 'SHA-384', 'SHA-512'], (name) => `${name} that matches`, async (t, name) => {
  const response = await t.raw({ body: 'content', headers: [['X-A', '1']] }, { integrity: await digestOf(name, 'content') })
  return [response, response.headers.get('x-a'), await response.text()]
})
each(['SHA-256', 'SHA-384', 'SHA-512'], (name) => `${name} that does not match`, async (t, name) =>
  t.caught(async () => t.raw({ body: 'content' }, { integrity: await digestOf(name, 'other') })))
const MIXES = {
  'of nothing': () => '', 'white space': () => '  ', 'nonsense': () => 'nonsense', 'an unknown algorithm': () => 'md5-AAAA', 'SHA-1': async () => digestOf('SHA-1', 'other'),
  'one of two that match': async () => `${await digestOf('SHA-256', 'other')} ${await digestOf('SHA-256', 'content')}`,
  'the strongest decides, wrong': async () => `${await digestOf('SHA-256', 'content')} ${await digestOf('SHA-512', 'other')}`,
  'the strongest decides, right': async () => `${await digestOf('SHA-256', 'other')} ${await digestOf('SHA-512', 'content')}`,
  'with options': async () => `${await digestOf('SHA-256', 'content')}?option`, 'in upper case': async () => (await digestOf('SHA-256', 'content')).replace('sha', 'SHA'),
  'base64url': async () => (await digestOf('SHA-256', 'content')).replaceAll('+', '-').replaceAll('/', '_').replace('sha256_', 'sha256-'),
  'without padding': async () => (await digestOf('SHA-256', 'content')).replaceAll('=', ''), 'cut': async () => (await digestOf('SHA-256', 'content')).slice(0, 20),
  'a known one beside nonsense': async () => `nonsense ${await digestOf('SHA-256', 'other')}`
}
each(Object.keys(MIXES), (name) => name, (t, name) => t.caught(async () => (await t.raw({ body: 'content' }, { integrity: await MIXES[name]() })).text()))
test('of an empty body', async (t) => t.caught(async () => (await t.raw({}, { integrity: await digestOf('SHA-256', '') })).text()))
test('on a Request', async (t) => t.caught(async () => t.fetch(new Request(t.rawUrl({ body: 'content' }), { integrity: await digestOf('SHA-256', 'other') }))))
test('of a body that fails', async (t) => t.caught(async () => t.fetch(t.wireUrl('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n', latin1('half'), 'close'), { integrity: await digestOf('SHA-256', 'half') })))
test('of a decoded body', async (t) => t.caught(async () => (await t.fetch(t.url('coded?coding=gzip&size=0'), { integrity: await digestOf('SHA-256', '') })).text()))
test('aborted while the body comes', async (t) => {
  const held = t.held()
  const aborter = new AbortController()
  const asked = t.fetch(held.url, { integrity: await digestOf('SHA-256', 'x'), signal: aborter.signal })
  await held.arrived()
  await held.head()
  await held.chunk('x')
  aborter.abort(new RangeError('mine'))
  return t.caught(() => asked)
})
test('resolves with the whole body, not before', async (t) => {
  const held = t.held()
  const order = []
  const asked = t.fetch(held.url, { integrity: await digestOf('SHA-256', 'xy') }).then(async (response) => { order.push('resolved'); return response.text() })
  await held.arrived()
  await held.head()
  await held.chunk('x')
  order.push('last chunk')
  await held.chunk('y')
  await held.end()
  return [await asked, order]
})

chapter('redirect')

const REDIRECTS = [301, 302, 303, 307, 308]
const leadTo = (t, status, location, init) => t.fetch(t.rawUrl({ status, headers: [['Location', location]] }), init)
each(REDIRECTS, (status) => `${status} is followed`, async (t, status) => {
  const response = await leadTo(t, status, '/c/inspect?target')
  return [response, await t.seen(response)]
})
for (const method of ['POST', 'PUT', 'HEAD', 'DELETE', 'PATCH']) {
  each(REDIRECTS, (status) => `${status} of a ${method}`, async (t, status) => {
    const body = method === 'HEAD' ? undefined : 'text'
    const response = await leadTo(t, status, '/c/inspect?target', { method, body, headers: { 'x-a': '1', 'content-type': 'a/b', 'content-language': 'en' } })
    if (method === 'HEAD') return [response.status, response.redirected, response.body]
    return t.seen(response, 'x-a', 'content-type', 'content-length', 'content-language')
  })
}
each(REDIRECTS, (status) => `${status} in mode error`, (t, status) => t.caught(() => leadTo(t, status, '/c/inspect', { redirect: 'error' })))
each(REDIRECTS, (status) => `${status} in mode manual`, async (t, status) => {
  const response = await t.fetch(t.url(`redirect?status=${status}&to=%2Fc%2Finspect`), { redirect: 'manual' })
  return [response, [...response.headers], await response.text()]
})
each(['manual', 'error'], (redirect) => `302 without a Location in mode ${redirect}`, (t, redirect) => t.caught(() => t.raw({ status: 302 }, { redirect })))
test('a clone in mode manual', async (t) => {
  const response = await t.fetch(t.url('redirect?to=%2Fc%2Finspect'), { redirect: 'manual' })
  return t.caught(() => response.clone())
})
const LOCATIONS = {
  absolute: (t) => t.url('c/inspect?target'), 'relative to the path': () => 'inspect?target', 'of a query': () => '?head=SFRUUC8xLjEgMjA0IE5vDQoNCg==', 'without a scheme': (t) => t.url('c/inspect?target').replace('http:', ''),
  'with white space': () => ' /c/inspect?target ', 'with a fragment': () => '/c/inspect?target#there', 'with bytes above 127': () => '/c/inspect?\u00c3\u00a4', 'with dots': () => '/x/../c/inspect?target', 'with a space': () => '/c/inspect?a b'
}
each(Object.keys(LOCATIONS), (form) => `Location ${form}`, (t, form) => t.caught(async () => {
  const response = await leadTo(t, 302, LOCATIONS[form](t))
  return [response.status, response.redirected, response.url.replace(/\?n=.*|\?head=.*/, '')]
}))
each(['', 'http://[', 'data:,text', 'javascript:1', 'ftp://127.0.0.1/', 'about:blank', 'blob:x', 'mailto:a@b'], (location) => `Location ${JSON.stringify(location)}`, (t, location) => t.caught(async () => {
  const response = await leadTo(t, 302, location)
  return [response.status, response.redirected]
}))
test('Location with credentials', (t) => t.caught(async () => (await leadTo(t, 302, t.url('c/inspect').replace('//', '//user:pass@'))).status))
each(REDIRECTS, (status) => `${status} without a Location`, (t, status) => t.caught(async () => {
  const response = await t.raw({ status, body: 'stay' })
  return [response.status, response.redirected, await response.text()]
}))
test('two Locations that differ', (t) => t.caught(async () => (await t.raw({ status: 302, headers: [['Location', '/c/inspect?1'], ['Location', '/c/inspect?2']] })).url))
test('two Locations alike', (t) => t.caught(async () => (await t.raw({ status: 302, headers: [['Location', '/c/inspect?1'], ['Location', '/c/inspect?1']] })).url))
test('the fragment of the request is kept out of url', async (t) => (await t.fetch(`${t.url('redirect?to=%2Fc%2Finspect%3Ftarget')}#mine`)).url)
each([1, 2, 5, 10], (n) => `${n} in a row`, async (t, n) => {
  const response = await t.fetch(t.url(`countdown?n=${n}`))
  return [response.redirected, response.url, await response.text()]
})
each([11, 20], (n) => `${n} in a row`, (t, n) => t.caught(async () => (await t.fetch(t.url(`countdown?n=${n}`))).text()))
test('21 in a row', (t) => t.caught(() => t.fetch(t.url('countdown?n=21'))))
test('to itself for ever', (t) => t.caught(() => t.fetch(t.url('redirect?to='))))
test('a body of a redirect is not seen', async (t) => (await t.raw({ status: 302, headers: [['Location', '/c/inspect?target']], body: 'not this' })).redirected)
each(REDIRECTS, (status) => `${status} of a POST with a Blob`, async (t, status) => t.seen(await leadTo(t, status, '/c/inspect', { method: 'POST', body: new Blob(['blob'], { type: 'c/d' }) }), 'content-type'))
const LARGE = {
  'a string': () => 'a'.repeat(300_000), 'a string of three bytes each': () => '\u20ac'.repeat(100_000), 'a Blob': () => new Blob(['b'.repeat(300_000)]),
  'bytes': () => new Uint8Array(300_000), 'URLSearchParams': () => new URLSearchParams({ a: 'c'.repeat(300_000) })
}
for (const kind of Object.keys(LARGE)) {
  each(REDIRECTS, (status) => `${status} of a POST with ${kind}, large`, async (t, status) => {
    const response = await leadTo(t, status, '/c/digest', { method: 'POST', body: LARGE[kind]() })
    return [response.redirected, await response.json()]
  })
}
each(REDIRECTS, (status) => `${status} of a POST with a large form`, async (t, status) => {
  const form = new FormData()
  form.append('file', new File(['d'.repeat(300_000)], 'd.bin'))
  const response = await leadTo(t, status, '/c/digest', { method: 'POST', body: form })
  return [response.redirected, (await response.json()).bytes > 300_000]
})
test('307 keeps Authorization on the same origin', async (t) => t.seen(await leadTo(t, 307, '/c/inspect', { headers: { authorization: 'x' } }), 'authorization'))
test('to 204', async (t) => {
  const response = await leadTo(t, 302, t.wireUrl('HTTP/1.1 204 None\r\n\r\n'))
  return [response.status, response.redirected, response.body]
})
