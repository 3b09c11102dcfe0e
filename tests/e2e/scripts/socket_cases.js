// Cases of the WebSockets standard, each over a class that is given: what a page can see of it, as plain data.

const CODES = [
  0, 1, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1014, 1015, 1016, 1999
]
const MORE_CODES = [
  2000,
  2999,
  3000,
  3999,
  4000,
  4999,
  5000,
  65535,
  65536,
  -1,
  1000.4,
  1000.5,
  1001.5,
  2999.5,
  Number.NaN
]
const ODD_CODES = [Number.POSITIVE_INFINITY, null, '1000', '3000', 'x', true, {}, [4000], undefined]
const URLS = [
  'ws://',
  'wss:',
  'ws:example.com',
  'http://localhost:1/x',
  'https://localhost:1/',
  'ftp://localhost/',
  'mailto:a@b',
  'about:blank',
  'ws://localhost:1/#',
  'ws://localhost:1/#x',
  'ws://localhost:1/%23',
  'ws://[',
  'ws://a b/',
  '',
  '/path',
  'path?query',
  '//localhost:1/',
  '?q',
  '#f',
  'ws://localhost:65536/',
  'WS://LOCALHOST:1/A',
  'ws://localhost:1/a/../b',
  'ws://localhost:80/',
  'wss://localhost:443/',
  'ws:\\\\localhost:1\\x',
  ' ws://localhost:1/ ',
  'ws://localhost:1/ä?ö',
  'ws://bücher.example:1/',
  'data:text/plain,x',
  'javascript:1',
  'ws://127.1:1/',
  'ws://0x7f000001:1/',
  'ws://user@localhost:1/',
  'ws://user:password@localhost:1/',
  'ws://@localhost:1/'
]
const PROTOCOLS = [
  '',
  'chat',
  'a b',
  'a,b',
  'a\u0000',
  'ä',
  'a\n',
  '"a"',
  '(a)',
  'a/b',
  "!#$%&'*+-.^_`|~",
  'a:b',
  'a;b',
  'a@b',
  'a[b]',
  'a{b}',
  [],
  [''],
  ['chat'],
  ['chat', 'chat'],
  ['chat', 'CHAT'],
  ['a', 'b', 'a'],
  ['chat', 'superchat'],
  ['a', 'b c'],
  [1],
  [null],
  null,
  5,
  new Set(['chat'])
]
const PAYLOADS = [
  '',
  'x',
  'größer',
  '€',
  '😀',
  '\ud83d',
  'a\ud83db',
  '\ude00',
  '\ufeffwith a mark',
  '\u0000',
  'x'.repeat(125),
  'x'.repeat(126),
  'x'.repeat(65535),
  'x'.repeat(65536),
  '€'.repeat(50_000),
  null,
  undefined,
  5,
  true,
  {},
  [1, 2],
  Symbol.iterator.toString()
]
const BUFFERS = {
  'no bytes': () => new ArrayBuffer(0),
  buffer: () => new Uint8Array([0, 1, 254, 255]).buffer,
  view: () => new Uint8Array([9, 1, 2, 9]).subarray(1, 3),
  words: () => new Uint16Array([1, 65535]),
  data: () => new DataView(new Uint8Array([1, 2, 3]).buffer, 1),
  blob: () => new Blob(['blob ', new Uint8Array([255])]),
  'empty blob': () => new Blob([]),
  large: () => new Uint8Array(300_000).fill(7)
}
// What a server sends, in hexadecimal, and what follows it.
const FRAMES = {
  text: '8101' + '61',
  'text in two': '0101' + '61' + '8001' + '62',
  'empty text': '8100',
  'empty fragments': '0100' + '0000' + '8000',
  'a ping inside a message': '0101' + '61' + '8900' + '8001' + '62',
  'a pong that nobody asked for': '8a0178' + '8101' + '61',
  'text with a mark': '8104' + 'efbbbf61',
  'text that is no UTF-8': '8101' + 'ff',
  'text cut off': '8102' + 'e282',
  'a surrogate': '8103' + 'eda080',
  'a character over two fragments': '0102' + 'e282' + '8001' + 'ac',
  'text broken in a continuation': '0101' + 'e2' + '8001' + '61',
  masked: '8181' + '00000000' + '61',
  'first reserved bit': 'c101' + '61',
  'second reserved bit': 'a101' + '61',
  'third reserved bit': '9101' + '61',
  'opcode 3': '8301' + '61',
  'opcode 7': '8700',
  'opcode 11': '8b00',
  'opcode 15': '8f00',
  'a continuation of nothing': '8001' + '61',
  'a message inside a message': '0101' + '61' + '8101' + '62',
  'a ping in fragments': '0900',
  'a ping of 126 bytes': `897e007e${'61'.repeat(126)}`,
  'a ping of 125 bytes': `897d${'61'.repeat(125)}810161`,
  'a length in too many bytes': '827e0005' + '6161616161',
  'a length over 2**63': `827f${'ff'.repeat(8)}`,
  'half a frame': '8205' + '61',
  'half a head': '82',
  'a good message before a bad one': '8101' + '61' + '8301' + '61',
  'a close': '8802' + '03e8',
  'a close without a code': '8800',
  'a close of one byte': '8801' + '03',
  'a close with a reason': '8805' + '03e8' + '62796' + '5',
  'a reason that is no UTF-8': '8803' + '03e8' + 'ff',
  'a reason of 123 bytes': `887d03e8${'61'.repeat(123)}`,
  'a close inside a message': '0101' + '61' + '8802' + '03e8',
  'a message behind a close': '8802' + '03e8' + '8101' + '61'
}
for (const code of [
  0, 1, 999, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1010, 1011, 1012, 1013, 1014, 1015, 1016, 2999
]) {
  FRAMES[`a close with ${code}`] = `8802${code.toString(16).padStart(4, '0')}`
}
for (const code of [3000, 3999, 4000, 4999, 5000, 65535])
  FRAMES[`a close with ${code}`] = `8802${code.toString(16).padStart(4, '0')}`

const thrown = (act) => {
  try {
    return { value: show(act()) }
  } catch (error) {
    return { thrown: error.name, dom: error instanceof DOMException }
  }
}

function show(value) {
  if (value instanceof ArrayBuffer) return `bytes ${[...new Uint8Array(value)].slice(0, 20)} of ${value.byteLength}`
  if (typeof value === 'string') return value.length > 100 ? `${value.slice(0, 20)}… of ${value.length}` : value
  if (value === undefined || value === null || typeof value === 'number' || typeof value === 'boolean')
    return `${value}`
  return typeof value
}

const next = (target, ...types) =>
  new Promise((resolve) => {
    for (const type of types) target.addEventListener(type, resolve, { once: true })
  })

/** Every event of a socket until its close. */
async function story(socket) {
  const seen = []
  const each = (event) => {
    const close = event.type === 'close' ? `${event.code} ${event.reason} ${event.wasClean}` : ''
    seen.push(`${event.type} ${event.type === 'message' ? show(event.data) : close} ${socket.readyState}`)
  }
  for (const type of ['open', 'message', 'error', 'close']) socket.addEventListener(type, each)
  await next(socket, 'close')
  return seen
}

async function opened(WS, url, protocols) {
  const socket = protocols === undefined ? new WS(url) : new WS(url, protocols)
  socket.binaryType = 'arraybuffer'
  const event = await next(socket, 'open', 'close')
  return event.type === 'open' ? socket : null
}

function cases({ url, raw }) {
  const all = {}
  for (const given of URLS) {
    all[`URL ${given}`] = (WS) =>
      thrown(() => {
        const socket = new WS(given)
        const { url: read } = socket
        socket.close()
        // A port that no other test has.
        return read.replace(location.port, 'PORT')
      })
  }
  for (const [i, given] of PROTOCOLS.entries()) {
    all[`protocols ${i} ${typeof given === 'object' && given !== null ? JSON.stringify([...given]) : given}`] = (WS) =>
      thrown(() => {
        new WS('ws://localhost:1/', given).close()
        return 'taken'
      })
  }
  for (const [i, code] of [...CODES, ...MORE_CODES, ...ODD_CODES].entries()) {
    all[`close ${i} with ${typeof code} ${JSON.stringify(code) ?? code} ${code}`] = async (WS) => {
      const socket = await opened(WS, `${url}/echo`)
      const result = thrown(() => socket.close(code, 'why'))
      const { readyState } = socket
      const ended = next(socket, 'close')
      if (readyState === 1) socket.close()
      const { code: closed, reason, wasClean } = await ended
      return [result, readyState, closed, reason, wasClean]
    }
  }
  for (const [name, reason] of Object.entries({
    'of 123 bytes': 'x'.repeat(123),
    'of 124': 'x'.repeat(124),
    'of 124 in 62 characters': 'ä'.repeat(62),
    null: null,
    'a surrogate': '\ud800',
    'an object': {},
    nothing: ''
  })) {
    all[`close with a reason, ${name}`] = async (WS) => {
      const socket = await opened(WS, `${url}/echo`)
      const result = thrown(() => socket.close(1000, reason))
      const ended = next(socket, 'close')
      if (socket.readyState === 1) socket.close()
      const event = await ended
      return [result, event.code, event.reason]
    }
  }
  all['close with a reason alone'] = async (WS) => {
    const socket = await opened(WS, `${url}/echo`)
    socket.close(undefined, 'why')
    const { code, reason, wasClean } = await next(socket, 'close')
    return [code, reason, wasClean]
  }
  for (const [i, data] of PAYLOADS.entries()) {
    all[`send ${i} ${show(data)}`] = async (WS) => {
      const socket = await opened(WS, `${url}/echo`)
      socket.send(data)
      const echoed = show((await next(socket, 'message')).data)
      socket.close()
      return echoed
    }
  }
  for (const [name, make] of Object.entries(BUFFERS)) {
    for (const binaryType of ['blob', 'arraybuffer']) {
      all[`send ${name} and get a ${binaryType}`] = async (WS) => {
        const socket = await opened(WS, `${url}/echo`)
        socket.binaryType = binaryType
        socket.send(make())
        const { data } = await next(socket, 'message')
        socket.close()
        return [data.constructor.name, show(data instanceof Blob ? await data.arrayBuffer() : data), data.type]
      }
    }
  }
  for (const [name, hex] of Object.entries(FRAMES)) {
    all[`from a server: ${name}`] = (WS) => {
      // A server that closes first is answered before it does, or who is first is chance.
      const then = /^a (close|reason)|behind a close/.test(name) ? 'answered' : 'close'
      const socket = new WS(`${raw}/raw?hex=${hex}&then=${then}`)
      socket.binaryType = 'arraybuffer'
      return story(socket)
    }
  }
  for (const name of [
    '403',
    '200',
    '302',
    '401',
    '503',
    'informational before',
    'wrong accept',
    'no accept',
    'two accepts',
    'no upgrade',
    'another upgrade',
    'no connection',
    'unasked extension parameters',
    'unasked subprotocol'
  ]) {
    if (name.endsWith('parameters')) continue
    all[`handshake: ${name}`] = (WS) => story(new WS(`${raw}/answer/${name}`))
  }
  for (const name of ['none chosen', 'unasked subprotocol', 'two chosen', 'a list chosen', 'in other letters']) {
    all[`handshake with protocols: ${name}`] = (WS) => story(new WS(`${raw}/answer/${name}`, ['b', 'superchat']))
  }
  all['handshake: with a user and a password'] = (WS) => {
    const socket = new WS(`${url}/echo`.replace('://', '://user:password@'))
    socket.onopen = () => socket.close()
    return story(socket)
  }
  all['handshake: nobody there'] = (WS) => story(new WS('ws://localhost:1/'))
  all['a message of 1000 fragments'] = async (WS) => {
    const socket = new WS(`${raw}/fragments?n=1000`)
    const { data } = await next(socket, 'message')
    socket.close()
    return data.length
  }
  for (const protocols of [['chat'], ['superchat', 'chat'], ['superchat']]) {
    all[`the protocol chosen of ${protocols}`] = async (WS) => {
      const socket = new WS(`${url}/echo`, protocols)
      const before = socket.protocol
      await next(socket, 'open')
      const { protocol } = socket
      socket.close()
      await next(socket, 'close')
      return [before, protocol, socket.protocol]
    }
  }
  all['states'] = async (WS) => {
    const socket = new WS(`${url}/echo`)
    const seen = [socket.readyState]
    await next(socket, 'open')
    seen.push(socket.readyState)
    socket.close()
    seen.push(socket.readyState)
    await next(socket, 'close')
    return [...seen, socket.readyState]
  }
  all['closed before it is open'] = (WS) => {
    const socket = new WS(`${url}/echo`)
    const told = story(socket)
    socket.close(1000, 'x')
    return told
  }
  all['sent before it is open'] = (WS) => {
    const socket = new WS(`${url}/echo`)
    const result = thrown(() => socket.send('x'))
    socket.close()
    return [result, socket.bufferedAmount]
  }
  all['sent after the close'] = async (WS) => {
    const socket = await opened(WS, `${url}/echo`)
    socket.close()
    socket.send('größer')
    const during = socket.bufferedAmount
    await next(socket, 'close')
    socket.send(new Uint8Array(5))
    socket.send(new Blob(['123']))
    return [during, socket.bufferedAmount]
  }
  all['bufferedAmount grows by what is sent, and goes back to nothing'] = async (WS) => {
    const socket = await opened(WS, `${url}/echo`)
    socket.send('größer')
    socket.send(new Uint8Array(100))
    const sent = socket.bufferedAmount
    await next(socket, 'message')
    await next(socket, 'message')
    for (let i = 0; i < 100 && socket.bufferedAmount > 0; i++) await new Promise((later) => setTimeout(later, 10))
    const left = socket.bufferedAmount
    socket.close()
    return [sent, left]
  }
  all['binaryType'] = (WS) => {
    const socket = new WS('ws://localhost:1/')
    const seen = [socket.binaryType]
    for (const type of ['arraybuffer', 'nodebuffer', 'blob', '', 'ARRAYBUFFER']) {
      socket.binaryType = type
      seen.push(socket.binaryType)
    }
    socket.close()
    return seen
  }
  all['a promise settles between two messages'] = async (WS) => {
    const socket = new WS(`${url}/count?n=20`)
    const order = []
    socket.onmessage = async ({ data }) => {
      for (let i = 0; i < 10; i++) await null
      order.push(data)
    }
    const got = []
    for (let i = 0; i < 20; i++) got.push((await next(socket, 'message')).data)
    await new Promise((later) => setTimeout(later))
    return [got, order]
  }
  all['the order of handlers and listeners'] = async (WS) => {
    const socket = new WS(`${url}/echo`)
    const seen = []
    socket.addEventListener('open', () => seen.push('first'))
    socket.onopen = () => seen.push('old')
    socket.addEventListener('open', () => seen.push('last'))
    socket.onopen = () => seen.push('new')
    await next(socket, 'open')
    socket.close()
    return seen
  }
  for (const value of [null, undefined, 5, 'x', {}, [], Symbol.iterator]) {
    all[`a handler that is ${typeof value} ${String(value)}`] = (WS) => {
      const socket = new WS('ws://localhost:1/')
      socket.onmessage = value
      const read = socket.onmessage
      socket.close()
      return [read === value, read === null]
    }
  }
  all['events'] = async (WS) => {
    const socket = new WS(`${url}/echo`)
    const facts = (event) => [
      event.constructor.name,
      event.bubbles,
      event.cancelable,
      event.composed,
      event.target === socket
    ]
    const seen = [facts(await next(socket, 'open'))]
    socket.send('x')
    const message = await next(socket, 'message')
    seen.push(facts(message), [message.origin === url, message.lastEventId, message.source, message.ports.length])
    socket.close()
    seen.push(facts(await next(socket, 'close')))
    return seen
  }
  all['constants'] = (WS) => {
    const names = []
    for (const name in WS) names.push(name)
    const describe = (on) => names.map((name) => Object.values(Object.getOwnPropertyDescriptor(on, name)))
    return [names, describe(WS), describe(WS.prototype)]
  }
  all['members'] = (WS) => {
    const names = []
    const socket = new WS('ws://localhost:1/')
    for (const name in socket) names.push(name)
    socket.close()
    const own = Object.entries(Object.getOwnPropertyDescriptors(WS.prototype))
      .filter(([name]) => name !== 'constructor')
      .map(([name, { enumerable, configurable, writable, get, set }]) =>
        [name, enumerable, configurable, writable, typeof get, typeof set].join()
      )
    return [names.sort(), own.sort(), Object.keys(socket)]
  }
  all['what the class is'] = (WS) => {
    const socket = new WS('ws://localhost:1/')
    socket.extra = 5
    socket.close()
    return [
      WS.name,
      WS.length,
      WS.prototype.send.length,
      WS.prototype.close.length,
      String(Object.prototype.toString.call(socket)),
      socket instanceof WS,
      socket instanceof EventTarget,
      socket.extra,
      Object.isExtensible(socket),
      socket.constructor === WS,
      typeof WS,
      Object.getPrototypeOf(WS) === EventTarget,
      WS.prototype.send.name
    ]
  }
  all['called as a function'] = (WS) => thrown(() => WS('ws://localhost:1/'))
  all['without an argument'] = (WS) => thrown(() => new WS())
  all['send without an argument'] = async (WS) => {
    const socket = await opened(WS, `${url}/echo`)
    const result = thrown(() => socket.send())
    socket.close()
    return result
  }
  for (const name of ['url', 'readyState', 'bufferedAmount', 'protocol', 'extensions', 'binaryType', 'onopen']) {
    all[`${name} of another object`] = (WS) => thrown(() => WS.prototype[name])
  }
  for (const name of ['send', 'close']) {
    all[`${name} of another object`] = (WS) => thrown(() => WS.prototype[name].call({}, 'x'))
  }
  for (const name of ['url', 'readyState', 'bufferedAmount', 'protocol', 'extensions']) {
    all[`${name} cannot be set`] = (WS) => {
      const socket = new WS('ws://localhost:1/')
      const before = socket[name]
      const result = thrown(() => {
        socket[name] = 'x'
      })
      socket.close()
      return [result, socket[name] === before || name === 'readyState']
    }
  }
  all['a subclass'] = async (WS) => {
    class Mine extends WS {
      mine() {
        return this.url
      }
    }
    const socket = new Mine(`${url}/echo`)
    await next(socket, 'open')
    socket.close()
    return [socket.mine() === `${url}/echo`, socket instanceof WS, Mine.OPEN, Object.prototype.toString.call(socket)]
  }
  all['a URL object and one with a toString'] = (WS) => {
    const urls = [new URL('ws://localhost:1/x'), { toString: () => 'ws://localhost:1/y' }]
    return urls.map((each) => {
      const socket = new WS(each)
      socket.close()
      return socket.url
    })
  }
  return all
}

window.runSocketCases = async (servers) => {
  const results = {}
  const entries = Object.entries(cases(servers))
  // Some at a time: browsers bound how many handshakes to one host go on.
  let at = 0
  const work = async () => {
    while (at < entries.length) {
      const [name, act] = entries[at++]
      const sides = []
      for (const WS of [WebSocket, longwire.WebSocket]) {
        let timer
        const late = new Promise((resolve) => {
          timer = setTimeout(resolve, 20_000, 'no end within 20 s')
        })
        const done = (async () => act(WS))().catch((error) => `failed: ${error}`)
        sides.push(JSON.stringify(await Promise.race([done, late])))
        clearTimeout(timer)
      }
      results[name] = sides
    }
  }
  await Promise.all(Array.from({ length: 8 }, work))
  return results
}
