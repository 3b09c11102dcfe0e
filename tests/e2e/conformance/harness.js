// Runs every case twice in this page: over the browser's own fetch to this origin, and over Longwire to the upstream,
// which serves the same handlers. What a case returns or notes is recorded as plain data, to be compared.
//
// Cases run beside each other, so they share nothing but the page; one that needs it for itself is `alone`.

const PATIENCE_MS = 8000
// The browser opens six connections to a server. A case may hold two, and steers them through another one.
const LANES = 3
const cases = []
let chapterName = ''
let serial = 0
let unheard = []

addEventListener('unhandledrejection', (event) => {
  event.preventDefault()
  unheard.push(kindOf(event.reason))
})

// The section of a standard that the following cases are about.
function chapter(name) {
  chapterName = name
}

function test(name, run, more) {
  const id = `${chapterName}: ${name}`
  if (cases.some((other) => other.id === id)) throw new Error(`two cases are called "${id}"`)
  cases.push({ id, run, ...more })
}

// Runs while no other does; what rejects unheard meanwhile is part of what is observed.
function alone(name, run) {
  test(name, run, { alone: true })
}

// One case for each of `list`; `name` and `run` take the item.
function each(list, name, run) {
  for (const item of list) test(name(item), (t) => run(t, item))
}

// An error as existing code tells errors apart. LongwireError is a TypeError; that it has a name of its own is one case.
function kindOf(error) {
  if (error instanceof DOMException) return `DOMException ${error.name}`
  for (const kind of [TypeError, RangeError, SyntaxError, URIError]) if (error instanceof kind) return kind.name
  return error instanceof Error ? 'Error' : `thrown ${String(error)}`
}

// Text in the name of a case, in characters that can be seen.
function shown(text) {
  return JSON.stringify(text).replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_')
}

const latin1 = (text) => Uint8Array.from(text, (character) => character.charCodeAt(0))
const utf8 = (text) => new TextEncoder().encode(text)
const bytesOf = (body) => (typeof body === 'string' ? utf8(body) : body)
const tick = () => new Promise((resolve) => setTimeout(resolve))

function describeResponse(response) {
  const { status, statusText, ok, url, redirected, type, bodyUsed } = response
  return { status, statusText, ok, url, redirected, type, bodyUsed, body: response.body === null ? null : 'stream' }
}

// What is observed of one run, as data without the server's name in it.
function plain(value, base) {
  if (value === undefined) return 'undefined'
  if (typeof value === 'string') {
    return value.replaceAll(base, 'BASE/').replaceAll(new URL(base).host, 'HOST').replaceAll(/\?(n|id)=\d+/g, '?$1=N')
  }
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value === null || typeof value === 'boolean') return value
  if (value instanceof ArrayBuffer) return plain(new Uint8Array(value), base)
  if (value instanceof Uint8Array) return `bytes ${Array.from(value).join(' ')}`
  if (value instanceof Error || value instanceof DOMException) return kindOf(value)
  if (value instanceof Response) return plain(describeResponse(value), base)
  if (value instanceof Headers) return plain([...value], base)
  if (Array.isArray(value)) return value.map((item) => plain(item, base))
  if (typeof value !== 'object') return String(value)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, base)]))
}

class Run {
  constructor({ fetch, base, EventSource }) {
    this.fetch = fetch
    this.base = base
    this.EventSource = EventSource
    this.notes = []
    this.cleanups = []
  }

  note(value) {
    this.notes.push(plain(value, this.base))
  }

  // What happens instead of an error is as much an observation as which error.
  async caught(act) {
    try {
      const value = await act()
      return { value: plain(value, this.base) }
    } catch (error) {
      return { error: kindOf(error) }
    }
  }

  url(path) {
    return this.base + path
  }

  inspectUrl(query = '') {
    return this.url(`c/inspect?n=${++serial}${query}`)
  }

  // The request as the server saw it; of its headers, those of these names.
  async inspect(init, ...names) {
    return this.seen(await this.fetch(this.inspectUrl(), init), ...names)
  }

  async seen(response, ...names) {
    const { method, headers, body } = await response.json()
    return { method, headers: headers.filter(([name]) => names.includes(name)).sort(), body }
  }

  // Where exactly this response is.
  rawUrl({ status = 200, reason = 'OK', headers = [], body = '', framing = 'length', then = 'keep' } = {}) {
    const bytes = bytesOf(body)
    const framed = {
      length: [`Content-Length: ${bytes.length}`],
      chunked: ['Transfer-Encoding: chunked'],
      close: ['Connection: close'],
      none: []
    }[framing]
    const lines = [`HTTP/1.1 ${status} ${reason}`, ...headers.map(([name, value]) => `${name}: ${value}`), ...framed]
    const wire = framing === 'chunked' ? chunked(bytes) : bytes
    return this.wireUrl(`${lines.join('\r\n')}\r\n\r\n`, wire, framing === 'close' ? 'close' : then)
  }

  wireUrl(head, body = new Uint8Array(), then = 'keep') {
    const query = `n=${++serial}&then=${then}&head=${base64url(latin1(head))}&body=${base64url(body)}`
    return this.url(`c/raw?${query}`)
  }

  raw(spec, init) {
    return this.fetch(this.rawUrl(spec), init)
  }

  held(early = false) {
    return new Held(this, early)
  }

  later(cleanup) {
    this.cleanups.push(cleanup)
  }
}

function chunked(bytes) {
  const size = latin1(`${bytes.length.toString(16)}\r\n`)
  return bytes.length === 0 ? latin1('0\r\n\r\n') : new Uint8Array([...size, ...bytes, ...latin1('\r\n0\r\n\r\n')])
}

// A response whose pieces are sent when the case says so.
class Held {
  constructor(run, early) {
    this.run = run
    this.id = `${++serial}`
    this.url = run.url(`c/held?id=${this.id}${early ? '&early' : ''}`)
    run.later(() => this.send('', 'end-close'))
  }

  async ask(what) {
    return (await nativeFetch(this.run.url(`c/${what}`))).text()
  }

  send(text, then = 'more') {
    return this.ask(`release?id=${this.id}&bytes=${base64url(bytesOf(text))}&then=${then}`)
  }

  head(headers = ['Content-Type: text/plain'], status = '200 OK') {
    return this.send(`HTTP/1.1 ${status}\r\n${[...headers, 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n`)
  }

  chunk(text) {
    const bytes = bytesOf(text)
    return this.send(new Uint8Array([...latin1(`${bytes.length.toString(16)}\r\n`), ...bytes, ...latin1('\r\n')]))
  }

  end() {
    return this.send('0\r\n\r\n', 'end-keep')
  }

  // The headers of the last of that many requests.
  async arrived(count = 1) {
    return JSON.parse(await this.ask(`arrived?id=${this.id}&count=${count}`))
  }

  gone() {
    return this.ask(`gone?id=${this.id}`)
  }
}

async function observe({ run, alone }, side) {
  const t = new Run(side)
  if (alone) unheard = []
  let timer
  const patience = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing after ${PATIENCE_MS} ms`)), PATIENCE_MS)
  })
  try {
    const value = plain(await Promise.race([run(t), patience]), t.base)
    if (!alone) return { value, notes: t.notes }
    await tick()
    return { value, notes: t.notes, unheard }
  } catch (error) {
    return { broken: `${error?.name}: ${error?.message}`, notes: t.notes }
  } finally {
    clearTimeout(timer)
    for (const cleanup of t.cleanups) await cleanup()
  }
}

const nativeFetch = window.fetch.bind(window)

// On both sides every so many cases, and those named besides: [{ id, browser, longwire }], and what was not heard of while
// they ran beside each other.
async function runAll(upstream, every = 1, named = []) {
  const browser = { fetch: nativeFetch, base: `${location.origin}/`, EventSource: window.EventSource }
  const undo = longwire.patch()
  const through = { fetch: longwire.fetch, base: upstream, EventSource: window.EventSource }
  const chosen = cases.filter(({ id }, i) => i % every === 0 || named.includes(id))
  const results = new Map(chosen.map(({ id }) => [id, null]))
  const waiting = chosen.filter(({ alone }) => !alone)
  const lane = async () => {
    for (let next; (next = waiting.shift()); ) {
      const [there, here] = await Promise.all([observe(next, browser), observe(next, through)])
      results.set(next.id, { id: next.id, browser: there, longwire: here })
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  await tick()
  const stray = unheard
  for (const next of chosen.filter(({ alone }) => alone)) {
    results.set(next.id, { id: next.id, browser: await observe(next, browser), longwire: await observe(next, through) })
  }
  undo()
  return { results: [...results.values()], stray }
}
