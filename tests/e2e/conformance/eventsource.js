// HTML standard, section 9.2 (server-sent events): parsing, dispatch, reconnection. Longwire's side is `window.EventSource`
// as `longwire.patch()` leaves it.

chapter('event stream')

const EVENT_STREAM = [['Content-Type', 'text/event-stream']]
const TYPES = ['open', 'message', 'error', 'ping', 'a b', '']

// Everything that one connection dispatches, up to its end.
function listen(t, url, { types = TYPES } = {}) {
  const source = new t.EventSource(url)
  t.later(() => source.close())
  return new Promise((resolve) => {
    const seen = []
    for (const type of types) {
      source.addEventListener(type, (event) => {
        const { data, lastEventId, origin } = event
        seen.push(event.type === 'open' || event.type === 'error' ? [event.type, source.readyState] : [event.type, data, lastEventId, origin])
        if (event.type !== 'error') return
        source.close()
        resolve(seen)
      })
    }
  })
}
const eventsOf = (t, body, spec) => listen(t, t.rawUrl({ body, headers: EVENT_STREAM, framing: 'close', ...spec }))

const STREAMS = {
  'one event': 'data: x\n\n', 'no space after the colon': 'data:x\n\n', 'two spaces after the colon': 'data:  x\n\n', 'tab after the colon': 'data:\tx\n\n', 'space before the colon': 'data : x\n\n',
  'two lines of data': 'data: a\ndata: b\n\n', 'empty data': 'data\n\n', 'empty data with a colon': 'data:\n\n', 'two empty data lines': 'data\ndata\n\n', 'data and an empty data line': 'data: a\ndata\n\n', 'an empty line of data between': 'data: a\ndata:\ndata: b\n\n',
  'no data, only an event name': 'event: ping\n\n', 'an event name': 'event: ping\ndata: x\n\n', 'an event name that is given twice': 'event: a\nevent: ping\ndata: x\n\n', 'an empty event name': 'event:\ndata: x\n\n', 'an event name after the data': 'data: x\nevent: ping\n\n',
  'an event name does not last': 'event: ping\ndata: x\n\ndata: y\n\n', 'an event name without data does not last': 'event: ping\n\ndata: y\n\n', 'an event name with a space inside': 'event: a b\ndata: x\n\n', 'an event named open': 'event: open\ndata: x\n\n',
  'an id': 'id: 1\ndata: x\n\n', 'an id lasts': 'id: 1\ndata: x\n\ndata: y\n\n', 'an empty id resets': 'id: 1\ndata: x\n\nid\ndata: y\n\n', 'an id without data lasts': 'id: 1\n\ndata: y\n\n', 'an id with NUL is ignored': 'id: 1\ndata: x\n\nid: 2\0\ndata: y\n\n', 'an id with spaces': 'id:  1 2 \ndata: x\n\n', 'an id of many characters': 'id: äöü€\ndata: x\n\n',
  'a comment': ': comment\ndata: x\n\n', 'an empty comment': ':\ndata: x\n\n', 'a comment between': 'data: a\n:c\ndata: b\n\n', 'only comments': ':a\n\n:b\n\n', 'unknown field': 'nonsense: 1\ndata: x\n\n', 'a field without a colon': 'nonsense\ndata: x\n\n', 'field names are case-sensitive': 'DATA: a\nData: b\ndata: c\n\n',
  'line ends CR LF': 'data: a\r\ndata: b\r\n\r\n', 'line ends CR': 'data: a\rdata: b\r\r', 'line ends mixed': 'data: a\rdata: b\r\ndata: c\n\r\n', 'CR LF LF': 'data: a\r\n\n', 'LF CR': 'data: a\n\r', 'many empty lines': '\n\n\ndata: x\n\n\n\ndata: y\n\n',
  'a byte order mark': '\ufeffdata: x\n\n', 'two byte order marks': '\ufeff\ufeffdata: x\n\ndata: y\n\n', 'a byte order mark later': 'data: x\n\n\ufeffdata: y\n\n', 'no empty line at the end': 'data: x\n\ndata: y\n', 'no line end at the end': 'data: x\n\ndata: y', 'nothing': '', 'only an empty line': '\n',
  'NUL in data': 'data: a\0b\n\n', 'line separators of Unicode': 'data: a\u2028b\u2029c\u0085d\n\n', 'form feed and vertical tab': 'data: a\fb\vc\n\n', 'a colon in data': 'data: a: b:c\n\n', 'a leading colon in data': 'data: : a\n\n', 'JSON': 'data: {"a": "ä\\n"}\n\n', 'emoji': 'data: \u{1f600}\n\n',
  'retry': 'retry: 5\ndata: x\n\n', 'retry that is no number': 'retry: 5s\ndata: x\n\n', 'retry negative': 'retry: -5\ndata: x\n\n', 'retry empty': 'retry\ndata: x\n\n', 'a hundred events': Array.from({ length: 100 }, (_, i) => `id: ${i}\ndata: ${i}\n\n`).join(''), 'an event of 20 000 characters': `data: ${'x'.repeat(20000)}\n\n`
}
each(Object.keys(STREAMS), (name) => name, (t, name) => eventsOf(t, STREAMS[name]))
test('bytes that are not UTF-8', (t) => eventsOf(t, new Uint8Array([...utf8('data: a'), 0xff, 0xc3, 0x28, 0xe2, 0x82, ...utf8('b\n\n')])))
test('a charset in the Content-Type is ignored', (t) => eventsOf(t, new Uint8Array([...utf8('data: '), 0xe4, ...utf8('\n\n')]), { headers: [['Content-Type', 'text/event-stream; charset=iso-8859-1']] }))
each([['text/event-stream;charset=utf-8'], ['Text/Event-Stream'], ['text/event-stream ; x=y'], ['text/plain'], ['text/event-streams'], ['application/json'], ['text/html'], []], (type) => `Content-Type ${type[0] ?? 'none'}`, (t, type) =>
  eventsOf(t, 'data: x\n\n', { headers: type.map((value) => ['Content-Type', value]) }))
each([201, 206, 299, 400, 401, 404, 429, 500, 503], (status) => `status ${status}`, (t, status) => eventsOf(t, 'data: x\n\n', { status }))
test('status 204', (t) => listen(t, t.wireUrl('HTTP/1.1 204 No\r\nContent-Type: text/event-stream\r\n\r\n')))
each([301, 302, 303, 307, 308], (status) => `${status} is followed`, (t, status) => {
  const target = t.rawUrl({ body: 'data: x\n\n', headers: EVENT_STREAM, framing: 'close' })
  return listen(t, t.rawUrl({ status, headers: [['Location', target]] }))
})
test('closed before the head', (t) => listen(t, t.wireUrl('', undefined, 'close')))
test('cut inside the body', async (t) => {
  const held = t.held()
  const source = new t.EventSource(held.url)
  t.later(() => source.close())
  const message = new Promise((resolve) => { source.onmessage = resolve })
  const failed = new Promise((resolve) => { source.onerror = () => resolve(source.readyState) })
  await held.head(['Content-Type: text/event-stream'])
  await held.chunk('data: x\n\ndata: y')
  // What the browser has not read is lost with the connection.
  t.note((await message).data)
  await held.send('', 'end-close')
  return failed
})
test('split inside characters and line ends', async (t) => {
  const held = t.held()
  const listening = listen(t, held.url)
  await held.head(['Content-Type: text/event-stream'])
  for (const byte of utf8('data: ä€\r\ndata: \u{1f600}\r\n\r\nid: 7\r\ndata:y\r\r')) await held.chunk(new Uint8Array([byte]))
  await held.end()
  return listening
})
test('CR at the end of a piece is the end of the event at once', async (t) => {
  const held = t.held()
  const source = new t.EventSource(held.url)
  t.later(() => source.close())
  const message = new Promise((resolve) => { source.onmessage = resolve })
  await held.head(['Content-Type: text/event-stream'])
  await held.chunk('data: a\r\r')
  return (await message).data
})

chapter('EventSource')

const openSource = async (t, init) => {
  const held = t.held()
  const source = new t.EventSource(held.url, init)
  t.later(() => source.close())
  const opened = new Promise((resolve) => { source.onopen = resolve })
  await held.head(['Content-Type: text/event-stream'])
  await opened
  return { held, source }
}
const next = (source, type) => new Promise((resolve) => source.addEventListener(type, resolve, { once: true }))
test('has its constants', (t) => [t.EventSource.CONNECTING, t.EventSource.OPEN, t.EventSource.CLOSED, t.EventSource.name, t.EventSource.length])
test('an instance', async (t) => {
  const source = new t.EventSource(t.held().url)
  t.later(() => source.close())
  return [source instanceof t.EventSource, source instanceof EventTarget, source.readyState, source.url, source.withCredentials, source.CONNECTING, source.OPEN, source.CLOSED, source.onopen, source.onmessage, source.onerror]
})
test('the tag of an instance', (t) => {
  const source = new t.EventSource(t.held().url)
  t.later(() => source.close())
  return Object.prototype.toString.call(source)
})
test('members cannot be assigned', (t) => {
  const source = new t.EventSource(t.held().url)
  t.later(() => source.close())
  source.readyState = 7
  source.url = 'x'
  return [source.readyState, source.url]
})
each(['http://[', 'http://a b'], (url) => `URL ${url} is refused`, (t, url) => t.caught(() => new t.EventSource(url)))
test('without arguments', (t) => t.caught(() => new t.EventSource()))
test('called without new', (t) => t.caught(() => t.EventSource(t.held().url)))
test('withCredentials', (t) => {
  const source = new t.EventSource(t.held().url, { withCredentials: true })
  t.later(() => source.close())
  return source.withCredentials
})
test('a fragment stays in url', (t) => {
  const source = new t.EventSource(`${t.held().url}#there`)
  t.later(() => source.close())
  return source.url
})
test('its request', async (t) => {
  const { held } = await openSource(t)
  const { accept, 'cache-control': cacheControl, 'last-event-id': lastEventId } = await held.arrived()
  return [accept, cacheControl, lastEventId]
})
test('readyState through its life', async (t) => {
  const { held, source } = await openSource(t)
  const states = [source.readyState]
  const failed = next(source, 'error')
  await held.end()
  await failed
  states.push(source.readyState)
  source.close()
  return [...states, source.readyState]
})
test('close reaches the server', async (t) => {
  const { held, source } = await openSource(t)
  source.close()
  await held.gone()
  return source.readyState
})
test('close twice', async (t) => {
  const { source } = await openSource(t)
  source.close()
  source.close()
  return source.readyState
})
test('close inside a listener drops what was received', async (t) => {
  const { held, source } = await openSource(t)
  const seen = []
  source.onmessage = ({ data }) => { seen.push(data); source.close() }
  const message = next(source, 'message')
  await held.chunk('data: a\n\ndata: b\n\n')
  await message
  await tick()
  return seen
})
test('a MessageEvent', async (t) => {
  const { held, source } = await openSource(t)
  const message = next(source, 'message')
  await held.chunk('id: 1\ndata: x\n\n')
  const event = await message
  return [event.constructor === MessageEvent, event.type, event.bubbles, event.cancelable, event.source, event.ports.length, event.origin, event.isTrusted === undefined]
})
test('events are trusted', async (t) => {
  const { held, source } = await openSource(t)
  const message = next(source, 'message')
  await held.chunk('data: x\n\n')
  return (await message).isTrusted
})
test('order of handler and listeners', async (t) => {
  const { held, source } = await openSource(t)
  const seen = []
  source.addEventListener('message', () => seen.push('before'))
  source.onmessage = () => seen.push('handler')
  source.addEventListener('message', () => seen.push('after'))
  const message = next(source, 'message')
  await held.chunk('data: x\n\n')
  await message
  return seen
})
test('a handler is replaced and removed', async (t) => {
  const { held, source } = await openSource(t)
  const seen = []
  source.onmessage = () => seen.push('first')
  source.onmessage = () => seen.push('second')
  const one = next(source, 'message')
  await held.chunk('data: x\n\n')
  await one
  source.onmessage = null
  const two = next(source, 'message')
  await held.chunk('data: y\n\n')
  await two
  return [seen, source.onmessage]
})
test('a handler that is no function', async (t) => {
  const { source } = await openSource(t)
  source.onmessage = 5
  return source.onmessage
})
test('a handler\'s this', async (t) => {
  const { held, source } = await openSource(t)
  const self = new Promise((resolve) => { source.onmessage = function () { resolve(this === source) } })
  await held.chunk('data: x\n\n')
  return self
})
test('events without a listener are dropped', async (t) => {
  const { held, source } = await openSource(t)
  await held.chunk('event: nobody\ndata: x\n\n')
  const message = next(source, 'message')
  await held.chunk('data: y\n\n')
  return (await message).data
})
const reconnect = async (t, first) => {
  const { held, source } = await openSource(t)
  const states = []
  source.onerror = () => states.push(source.readyState)
  await held.chunk(`retry: 1\n\n${first}`)
  await held.end()
  const fields = await held.arrived(2)
  return { held, source, states, fields }
}
test('reconnects when the server ends', async (t) => {
  const { held, source, states } = await reconnect(t, 'data: x\n\n')
  const opened = next(source, 'open')
  await held.head(['Content-Type: text/event-stream'])
  await opened
  const message = next(source, 'message')
  await held.chunk('data: y\n\n')
  return [(await message).data, states, source.readyState]
})
const IDS = { 'an id': 'id: 7\ndata: x\n\n', 'no id': 'data: x\n\n', 'an id that was reset': 'id: 7\ndata: x\n\nid\ndata: y\n\n', 'an id without data': 'id: 8\n\n', 'an id of an unfinished event': 'id: 7\ndata: x\n\nid: 9\n', 'an id of many characters': 'id: ä€\ndata: x\n\n', 'an id with spaces': 'id:  1  2 \ndata: x\n\n' }
each(Object.keys(IDS), (name) => `Last-Event-ID after ${name}`, async (t, name) => {
  const { fields } = await reconnect(t, IDS[name])
  return fields['last-event-id']
})
test('the id goes on after a reconnection', async (t) => {
  const { held, source } = await reconnect(t, 'id: 7\ndata: x\n\n')
  await held.head(['Content-Type: text/event-stream'])
  const message = next(source, 'message')
  await held.chunk('data: y\n\n')
  return (await message).lastEventId
})
each(['200 OK', '204 No', '404 Not', '500 Oops'], (line) => `a reconnection answered ${line} without the type ends it`, async (t, line) => {
  const { held, source } = await reconnect(t, 'data: x\n\n')
  const failed = next(source, 'error')
  await held.send(`HTTP/1.1 ${line}\r\n${line.startsWith('204') ? '' : 'Content-Length: 0\r\n'}\r\n`, 'end-keep')
  await failed
  return source.readyState
})
test('reconnects after a broken connection', async (t) => {
  const { held, source } = await openSource(t)
  const message = next(source, 'message')
  await held.chunk('retry: 1\nid: 3\ndata: x\n\n')
  // A reset takes along what the browser has not read.
  await message
  const failed = next(source, 'error')
  await held.send('', 'end-reset')
  await failed
  t.note(source.readyState)
  return (await held.arrived(2))['last-event-id']
})
test('close while it waits to reconnect', async (t) => {
  const { held, source } = await openSource(t)
  await held.chunk('retry: 10\n\n')
  const failed = next(source, 'error')
  await held.end()
  await failed
  source.close()
  await t.inspect({})
  return source.readyState
})
