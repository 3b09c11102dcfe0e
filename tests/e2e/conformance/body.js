// Fetch standard, section 5.2 (the Body mixin), and the Streams standard, as far as a body shows it.

chapter('body consumption')

const READERS = ['text', 'json', 'arrayBuffer', 'bytes', 'blob', 'formData']
const JSON_BODY = { body: '{"a": [1, "ä"]}', headers: [['Content-Type', 'application/json']] }
const read = async (t, response, reader) => {
  const value = await response[reader]()
  if (value instanceof Blob) return [value.size, value.type, await value.text()]
  if (value instanceof FormData) return [...value]
  return value
}
for (const reader of READERS) {
  const asked = (spec) => (t) => t.caught(async () => read(t, await t.raw(spec), reader))
  test(`${reader} of JSON`, asked(JSON_BODY))
  test(`${reader} of nothing`, asked({ body: '' }))
  test(`${reader} of nothing, chunked`, asked({ body: '', framing: 'chunked' }))
  test(`${reader} of bytes that are not UTF-8`, asked({ body: new Uint8Array([0x61, 0xff, 0xc3, 0x28, 0x62]) }))
  test(`${reader} of a byte order mark`, asked({ body: new Uint8Array([0xef, 0xbb, 0xbf, 0x5b, 0x5d]) }))
  test(`${reader} of two byte order marks`, asked({ body: new Uint8Array([0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf, 0x31]) }))
  test(`${reader} of a form`, asked({ body: 'a=1+2&b=%C3%A4&a=3&c', headers: [['Content-Type', 'application/x-www-form-urlencoded']] }))
  test(`${reader} of multipart`, asked({ body: '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B--\r\n', headers: [['Content-Type', 'multipart/form-data; boundary=B']] }))
  test(`${reader} of UTF-16 text`, asked({ body: new Uint8Array([0xff, 0xfe, 0x31, 0x00]), headers: [['Content-Type', 'text/plain; charset=utf-16']] }))
  test(`${reader} twice`, async (t) => {
    const response = await t.raw(JSON_BODY)
    return [await t.caught(() => response[reader]().then(() => 1)), response.bodyUsed, await t.caught(() => response[reader]())]
  })
  test(`${reader} twice at once`, async (t) => {
    const response = await t.raw({ body: '1' })
    const both = await Promise.allSettled([response[reader](), response.text()])
    return both.map(({ status, reason }) => [status, reason && kindOf(reason)])
  })
  test(`${reader} of what is locked`, async (t) => {
    const response = await t.raw({ body: '1' })
    response.body.getReader()
    return [await t.caught(() => response[reader]()), response.bodyUsed]
  })
  test(`${reader} of what was read in part`, async (t) => {
    const response = await t.raw({ body: '1' })
    const part = response.body.getReader()
    await part.read()
    part.releaseLock()
    return [response.bodyUsed, response.body.locked, await t.caught(() => response[reader]())]
  })
  test(`${reader} of what was cancelled`, async (t) => {
    const response = await t.raw({ body: '1' })
    await response.body.cancel()
    return [response.bodyUsed, await t.caught(() => response[reader]())]
  })
  test(`${reader} of a body that breaks`, async (t) => {
    const response = await t.fetch(t.wireUrl('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', latin1('12'), 'close'))
    return [await t.caught(() => response[reader]()), response.bodyUsed]
  })
  test(`${reader} of a clone`, async (t) => {
    const response = await t.raw(JSON_BODY)
    const clone = response.clone()
    return [await t.caught(() => read(t, clone, reader)), await t.caught(() => read(t, response, reader)), response.bodyUsed]
  })
  test(`${reader} by the method of the prototype`, async (t) => {
    const response = await t.raw(JSON_BODY)
    return t.caught(async () => read(t, { [reader]: () => Response.prototype[reader].call(response) }, reader))
  })
  test(`${reader} locks the body at once`, async (t) => {
    const response = await t.raw({ body: '1' })
    const reading = response[reader]().catch(() => undefined)
    const seen = [response.bodyUsed, response.body.locked]
    await reading
    return [seen, response.body.locked]
  })
  test(`${reader} is a function of the prototype`, async (t) => {
    const response = await t.raw({})
    return [typeof response[reader], response[reader].name, response[reader].length]
  })
}
each(['', 'text/plain', 'Text/HTML;Charset=UTF-8', 'nonsense', 'a/b;c=d;e="f g"', 'multipart/form-data; boundary=B'], (type) => `blob has the type ${type}`, async (t, type) => (await (await t.raw({ headers: type ? [['Content-Type', type]] : [] })).blob()).type)
test('blob of two Content-Types', async (t) => (await (await t.raw({ headers: [['Content-Type', 'a/b'], ['Content-Type', 'c/d']] })).blob()).type)
each(['{', '{"a":1}x', 'undefined', "{'a':1}", 'NaN', '\ufeff\ufeff1', '01'], (text) => `json of ${JSON.stringify(text)}`, (t, text) => t.caught(async () => (await t.raw({ body: text })).json()))
each(['null', '"text"', '12.5', '[]', ' {"__proto__": {"a": 1}} ', '"\\ud800"', '1e400'], (text) => `json of ${text}`, (t, text) => t.caught(async () => (await t.raw({ body: text })).json()))
each(['text/plain', 'multipart/form-data', 'multipart/form-data; boundary=C', ''], (type) => `formData of ${type || 'no type'}`, (t, type) => t.caught(async () => (await t.raw({ body: '--B\r\n\r\n--B--', headers: type ? [['Content-Type', type]] : [] })).formData()))
test('formData with a file', async (t) => {
  const body = '--B\r\nContent-Disposition: form-data; name="f"; filename="n.txt"\r\nContent-Type: text/x\r\n\r\ncontent\r\n--B--\r\n'
  const file = (await (await t.raw({ body, headers: [['Content-Type', 'multipart/form-data; boundary=B']] })).formData()).get('f')
  return [file.name, file.type, await file.text()]
})
test('a character split between chunks', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const response = await asked
  const text = response.text()
  await held.chunk(new Uint8Array([0xe2, 0x82]))
  await held.chunk(new Uint8Array([0xac]))
  await held.end()
  return text
})
test('arrayBuffer gives memory of its own', async (t) => {
  const response = await t.raw({ body: 'text' })
  const clone = response.clone()
  const [first, second] = [await response.bytes(), await clone.bytes()]
  first.fill(0)
  return [first, second, first.byteOffset, first.buffer.byteLength]
})
test('bodyUsed of what was never touched', async (t) => {
  const response = await t.raw({ body: 'text' })
  return [response.bodyUsed, response.body.locked, response.bodyUsed]
})
test('a megabyte', async (t) => (await (await t.fetch(t.url('bytes?size=1048576'))).arrayBuffer()).byteLength)
each(['length', 'chunked', 'close'], (framing) => `framing ${framing}`, async (t, framing) => (await t.raw({ body: 'framed', framing })).text())

chapter('body stream')

test('is one object, a ReadableStream', async (t) => {
  const { body, ...rest } = await t.raw({ body: 'x' })
  const response = await t.raw({ body: 'x' })
  return [response.body === response.body, response.body instanceof ReadableStream, response.body.constructor === ReadableStream, Object.keys(rest)]
})
test('gives Uint8Arrays of their own memory', async (t) => {
  const { value, done } = await (await t.raw({ body: 'text' })).body.getReader().read()
  return [value.constructor === Uint8Array, value, value.byteOffset, value.buffer.byteLength, done]
})
test('ends', async (t) => {
  const reader = (await t.raw({ body: 'x' })).body.getReader()
  await reader.read()
  return [await reader.read(), await reader.read(), await t.caught(() => reader.closed)]
})
test('of nothing ends at once', async (t) => {
  const response = await t.raw({ body: '' })
  return [response.body === null, await response.body.getReader().read()]
})
test('for await', async (t) => {
  let text = ''
  const response = await t.raw({ body: 'text' })
  for await (const chunk of response.body) text += new TextDecoder().decode(chunk)
  return [text, response.bodyUsed, response.body.locked]
})
test('for await left early cancels', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const response = await asked
  await held.chunk('x')
  for await (const _ of response.body) break
  await held.gone()
  return [response.bodyUsed, response.body.locked]
})
test('for await left early with preventCancel', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const response = await asked
  await held.chunk('x')
  for await (const _ of response.body.values({ preventCancel: true })) break
  await held.chunk('y')
  const { value } = await response.body.getReader().read()
  return [value, response.body.locked]
})
test('cancel reaches the server', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const response = await asked
  t.note(await t.caught(() => response.body.cancel(new RangeError('mine'))))
  await held.gone()
  return [response.bodyUsed, await response.body.getReader().read()]
})
test('cancel of the reader ends pending reads', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const reader = (await asked).body.getReader()
  const reading = reader.read()
  await reader.cancel('reason')
  await held.gone()
  return [await reading, await t.caught(() => reader.closed)]
})
test('cancel of what is locked is refused', async (t) => {
  const response = await t.raw({ body: 'x' })
  response.body.getReader()
  return t.caught(() => response.body.cancel())
})
test('cancel twice', async (t) => {
  const response = await t.raw({ body: 'x' })
  return [await t.caught(() => response.body.cancel()), await t.caught(() => response.body.cancel())]
})
test('cancel after the end', async (t) => {
  const response = await t.raw({ body: 'x' })
  await response.text()
  return t.caught(() => response.body.cancel())
})
test('a second reader is refused', async (t) => {
  const { body } = await t.raw({ body: 'x' })
  body.getReader()
  return t.caught(() => body.getReader())
})
test('a reader released with a read pending', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const { body } = await asked
  const first = body.getReader()
  const reading = t.caught(() => first.read())
  first.releaseLock()
  await held.chunk('next')
  return [await reading, (await body.getReader().read()).value]
})
test('reads asked for ahead are answered in order', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const reader = (await asked).body.getReader()
  const reads = [reader.read(), reader.read(), reader.read()]
  await held.chunk('a')
  const first = await reads[0]
  await held.chunk('b')
  const second = await reads[1]
  await held.end()
  return [first, second, await reads[2]]
})
test('tee gives both the same', async (t) => {
  const [a, b] = (await t.raw({ body: 'text' })).body.tee()
  return [await new Response(a).text(), await new Response(b).text()]
})
test('tee marks the body used', async (t) => {
  const response = await t.raw({ body: 'text' })
  response.body.tee()
  return [response.bodyUsed, response.body.locked, await t.caught(() => response.text())]
})
test('tee, one branch cancelled, the other whole', async (t) => {
  const [a, b] = (await t.raw({ body: 'text' })).body.tee()
  a.cancel()
  return new Response(b).text()
})
test('tee, both branches cancelled, reaches the server', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const [a, b] = (await asked).body.tee()
  await Promise.all([a.cancel('a'), b.cancel('b')])
  await held.gone()
})
test('tee gives chunks that share no memory', async (t) => {
  const [a, b] = (await t.raw({ body: 'text' })).body.tee()
  const first = (await a.getReader().read()).value
  first.fill(0)
  return (await b.getReader().read()).value
})
test('tee of a megabyte, one branch read after the other', async (t) => {
  const [a, b] = (await t.fetch(t.url('bytes?size=1048576'))).body.tee()
  return [(await new Response(a).bytes()).length, (await new Response(b).bytes()).length]
})
test('clone of a megabyte, read after the original', async (t) => {
  const response = await t.fetch(t.url('bytes?size=1048576'))
  const clone = response.clone()
  return [(await response.bytes()).length, (await clone.bytes()).length]
})
test('clones that are dropped do not hold the original up', async (t) => {
  const response = await t.fetch(t.url('bytes?size=1048576'))
  for (let i = 0; i < 3; i++) response.clone().body.cancel()
  return (await response.bytes()).length
})
test('clone, cancelled on both sides, reaches the server', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const response = await asked
  const clone = response.clone()
  await Promise.all([response.body.cancel(), clone.body.cancel()])
  await held.gone()
})
test('an error reaches both branches of a tee', async (t) => {
  const response = await t.fetch(t.wireUrl('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', latin1('12'), 'close'))
  const [a, b] = response.body.tee()
  return [await t.caught(() => new Response(a).text()), await t.caught(() => new Response(b).text())]
})
test('pipeThrough text', async (t) => {
  let text = ''
  for await (const piece of (await t.raw({ body: 'ä€' })).body.pipeThrough(new TextDecoderStream())) text += piece
  return text
})
test('pipeTo', async (t) => {
  const seen = []
  const sink = new WritableStream({ write: (chunk) => { seen.push(chunk) }, close: () => { seen.push('closed') }, abort: () => { seen.push('aborted') } })
  await (await t.raw({ body: 'text' })).body.pipeTo(sink)
  return seen
})
test('pipeTo of a body that breaks aborts the sink', async (t) => {
  const seen = []
  const response = await t.fetch(t.wireUrl('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', latin1('12'), 'close'))
  const failure = await t.caught(() => response.body.pipeTo(new WritableStream({ abort: (error) => { seen.push(kindOf(error)) } })))
  return [failure, seen]
})
test('pipeTo into a sink that fails reaches the server', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const piping = t.caught(async () => (await asked).body.pipeTo(new WritableStream({ write() { throw new RangeError('mine') } })))
  await held.chunk('x')
  await held.gone()
  return piping
})
test('pipeTo with a signal', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const response = await asked
  const aborter = new AbortController()
  const piping = t.caught(() => response.body.pipeTo(new WritableStream(), { signal: aborter.signal }))
  aborter.abort(new RangeError('mine'))
  await held.gone()
  return piping
})
test('transferred to another thread', async (t) => {
  const { body } = await t.raw({ body: 'text' })
  const moved = structuredClone(body, { transfer: [body] })
  return [body.locked, await new Response(moved).text()]
})
test('as the body of a page\'s own Response', async (t) => {
  const response = await t.raw({ body: 'text' })
  return [await new Response(response.body).text(), response.bodyUsed]
})
test('as the body of a page\'s own Response, already used', async (t) => {
  const response = await t.raw({ body: 'text' })
  await response.text()
  return t.caught(() => new Response(response.body))
})
test('chunks are delivered as they are sent', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const reader = (await asked).body.getReader()
  const seen = []
  for (const piece of ['one', 'two', 'three']) {
    await held.chunk(piece)
    seen.push(new TextDecoder().decode((await reader.read()).value))
  }
  await held.end()
  return [seen, (await reader.read()).done]
})
test('closed resolves only with the end', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const reader = (await asked).body.getReader()
  const order = []
  const closed = reader.closed.then(() => order.push('closed'))
  await held.chunk('x')
  await reader.read()
  order.push('read')
  await held.end()
  await reader.read()
  await closed
  return order
})

chapter('BYOB reader')

const byob = async (t, spec) => (await t.raw(spec)).body.getReader({ mode: 'byob' })
test('is granted', async (t) => (await byob(t, { body: 'x' })) instanceof ReadableStreamBYOBReader)
test('fills the buffer it is given', async (t) => {
  const reader = await byob(t, { body: 'text' })
  const buffer = new ArrayBuffer(8)
  const { value, done } = await reader.read(new Uint8Array(buffer, 2, 4))
  return [value, value.byteOffset, value.buffer.byteLength, buffer.byteLength, done]
})
test('a view smaller than the chunk', async (t) => {
  const reader = await byob(t, { body: 'abcdef' })
  const seen = []
  for (let part; !(part = await reader.read(new Uint8Array(4))).done; ) seen.push(part.value)
  return seen
})
test('the end gives the buffer back empty', async (t) => {
  const reader = await byob(t, { body: '' })
  const { value, done } = await reader.read(new Uint8Array(4))
  return [value.byteLength, value.buffer.byteLength, done]
})
test('a zero-length view is refused', async (t) => t.caught(async () => (await byob(t, { body: 'x' })).read(new Uint8Array(0))))
test('a detached view is refused', async (t) => {
  const view = new Uint8Array(4)
  structuredClone(view.buffer, { transfer: [view.buffer] })
  return t.caught(async () => (await byob(t, { body: 'x' })).read(view))
})
test('no view is refused', async (t) => t.caught(async () => (await byob(t, { body: 'x' })).read()))
test('wide elements', async (t) => {
  const { value } = await (await byob(t, { body: 'abcd' })).read(new Uint16Array(4))
  return [value.constructor.name, value.length]
})
test('wide elements and a body that ends inside one', async (t) => {
  const reader = await byob(t, { body: 'abc' })
  return [await t.caught(async () => (await reader.read(new Uint16Array(4))).value.length), await t.caught(async () => (await reader.read(new Uint16Array(4))).done)]
})
test('DataView', async (t) => {
  const { value } = await (await byob(t, { body: 'abcd' })).read(new DataView(new ArrayBuffer(8), 1))
  return [value.constructor.name, value.byteLength, value.byteOffset]
})
test('min is waited for', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const reader = (await asked).body.getReader({ mode: 'byob' })
  const reading = reader.read(new Uint8Array(8), { min: 3 })
  await held.chunk('a')
  await held.chunk('bc')
  return (await reading).value
})
each([0, 9, -1], (min) => `min ${min} is refused`, (t, min) => t.caught(async () => (await byob(t, { body: 'x' })).read(new Uint8Array(8), { min })))
test('after an error', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const reader = (await asked).body.getReader({ mode: 'byob' })
  await held.chunk('12')
  t.note((await reader.read(new Uint8Array(8))).value)
  await held.send('', 'end-close')
  return [await t.caught(() => reader.read(new Uint8Array(8))), await t.caught(() => reader.closed)]
})
test('cancel', async (t) => {
  const held = t.held()
  const asked = t.fetch(held.url)
  await held.head()
  const reader = (await asked).body.getReader({ mode: 'byob' })
  const reading = reader.read(new Uint8Array(8))
  await reader.cancel()
  await held.gone()
  return reading
})
test('of a tee', async (t) => {
  const [a, b] = (await t.raw({ body: 'text' })).body.tee()
  const { value } = await a.getReader({ mode: 'byob' }).read(new Uint8Array(8))
  return [value, await new Response(b).text()]
})
test('after a default reader', async (t) => {
  const { body } = await t.raw({ body: 'x' })
  body.getReader().releaseLock()
  return (await body.getReader({ mode: 'byob' }).read(new Uint8Array(8))).value
})
test('an unknown mode is refused', async (t) => t.caught(async () => (await t.raw({ body: 'x' })).body.getReader({ mode: 'nonsense' })))
test('reads a megabyte in one buffer', async (t) => {
  const reader = (await t.fetch(t.url('bytes?size=1048576'))).body.getReader({ mode: 'byob' })
  let [buffer, total] = [new ArrayBuffer(5000), 0]
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(buffer))
    if (done) return total
    total += value.byteLength
    buffer = value.buffer
  }
})
