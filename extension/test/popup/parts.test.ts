// The popup's small parts: lines to suggest, figures, rates, the page in front, the port to the worker.

import { afterEach, expect, test, vi } from 'vitest'
import type { Tab } from '../../src/platform/platform'
import { suggestGrant } from '../../src/popup/grant'
import { RATE_WINDOW_MS, Rates } from '../../src/popup/rates'
import { findSite, type SiteWorld } from '../../src/popup/site'
import { figuresOf, whoseOf } from '../../src/popup/streams'
import { formatBytes, formatDuration } from '../../src/shared/format'
import type { FromPopup, Snapshot, StreamRow } from '../../src/shared/popup'
import { RECONNECT_MS, WorkerLink, type WorkerPort } from '../../src/shared/worker-link'

// --- lines ----------------------------------------------------------------------------------------------------------

test('the lines for a request, as the host suggests them', () => {
  const denied = { method: 'PUT', url: 'http://10.0.0.7:8080/v1/files/a?b=c' }
  expect(suggestGrant('http://localhost:5173', denied, false)).toEqual({
    example: false,
    lines: `[[grant]]
name = "localhost:5173 PUT 10.0.0.7:8080"
pages = ["http://localhost:5173"]
destinations = ["http://10.0.0.7:8080/v1/files/"]
methods = ["PUT"]
network = "private"`
  })
})

test.each([
  ['http://127.0.0.1/', 'loopback'],
  ['http://[::1]:8/', 'loopback'],
  ['http://app.localhost/', 'loopback'],
  ['http://192.168.1.1/', 'private'],
  ['http://172.31.0.1/', 'private'],
  ['http://172.32.0.1/', 'public'],
  ['http://[fd00::1]/', 'private'],
  ['https://api.example.com/', 'public'],
  ['https://notlocalhost/', 'public']
])('%s looks %s', (url, network) => {
  expect(suggestGrant('https://a.example', { method: 'GET', url }, false)?.lines).toContain(`network = "${network}"`)
})

test.each([
  'https://a.example/x%2e/y',
  'https://a.example/x/%2e%2e%2fy',
  'https://a.example/x/100%',
  'https://a.example/x;y/z',
  'https://a.example//x/y',
  'https://a.example/x'
])('a folder or path that no destination can name becomes the whole server: %s', (url) => {
  const suggestion = suggestGrant('https://p.example', { method: 'GET', url }, false)
  expect(suggestion?.lines).toContain('destinations = ["https://a.example/"]')
})

test('a name has at most 64 characters', () => {
  const suggestion = suggestGrant(
    `https://${'a'.repeat(63)}.example`,
    { method: 'GET', url: 'https://b.example/' },
    false
  )
  expect(/name = "(.*)"/.exec(suggestion?.lines ?? '')?.[1]).toHaveLength(64)
})

// --- figures --------------------------------------------------------------------------------------------------------

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [9_949, '9.9 kB'],
  [9_951, '10 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [12_345_678, '12 MB'],
  [5e15, '5000 TB']
])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

test.each([
  [-5, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min 00 s'],
  [3_599_999, '59 min 59 s'],
  [3_900_000, '1 h 05 min'],
  [90_000_000, '25 h 00 min']
])('%d ms are %s', (ms, text) => expect(formatDuration(ms)).toBe(text))

const STREAM: StreamRow = {
  id: 1,
  origin: 'https://a.example',
  principal: 'page',
  method: 'GET',
  url: 'https://b.example/',
  durable: false,
  state: 'open',
  status: 200,
  received: 1_200_000,
  sent: 0,
  startedAt: 0
}

test.each([
  [{}, 340_000, 'Streaming · 1.2 MB · 340 kB/s · 12 s'],
  [{}, null, 'Streaming · 1.2 MB · 12 s'],
  [{ state: 'connecting', status: 0, received: 0 }, 0, 'Waiting for the server · 12 s'],
  [{ state: 'connecting', status: 0, received: 0, sent: 5 }, 0, 'Waiting for the server · 5 B sent · 12 s'],
  [{ status: 500 }, 0, 'HTTP 500 · 1.2 MB · 0 B/s · 12 s'],
  [{ durable: true }, 340_000, 'Streaming · durable · 1.2 MB · 340 kB/s · 12 s'],
  [{ state: 'ending' }, 5, 'Ending · 1.2 MB · 12 s']
] as const)('a stream %j', (fields, rate, text) => {
  expect(figuresOf({ ...STREAM, ...fields }, rate, 12_000)).toBe(text)
})

test.each([
  [{}, ''],
  [{ origin: 'https://b.example' }, 'in a frame of https://b.example'],
  [{ principal: 'writer' }, 'by the writer'],
  // What it asked for before the tab went to another page.
  [{ principal: 'writer', origin: 'https://b.example' }, 'by the writer, on https://b.example']
] as const)('whose a stream %j is', (fields, text) => {
  expect(whoseOf({ ...STREAM, ...fields }, 'https://a.example')).toBe(text)
})

test('a rate is of the last seconds, and goes to zero with the bytes', () => {
  const rates = new Rates()
  expect(rates.of(1)).toBeNull()
  rates.add(0, [{ id: 1, received: 500 }])
  expect(rates.of(1)).toBeNull()
  rates.add(1_000, [{ id: 1, received: 1_500 }])
  expect(rates.of(1)).toBe(1_000)
  for (let at = 2_000; at <= 1_000 + RATE_WINDOW_MS; at += 1_000) rates.add(at, [{ id: 1, received: 1_500 }])
  expect(rates.of(1)).toBe(0)
  rates.add(9_000, [])
  expect(rates.of(1)).toBeNull()
})

// --- the page in front ----------------------------------------------------------------------------------------------

function world(tab: Partial<Tab> | undefined, origin?: string): SiteWorld {
  const shown = tab && { id: 4, incognito: false, ...tab }
  const world = {
    tabs: {
      query: async () => (shown === undefined ? [] : [shown]),
      get: async (id: number) => {
        if (id !== shown?.id) throw new Error('No tab with id')
        return shown
      }
    },
    scripting: {
      executeScript: async () => {
        if (origin === undefined) throw new Error('Cannot access contents of the page')
        return [{ result: origin }]
      }
    }
  }
  return world as unknown as SiteWorld
}

test('a web page, known by its address, in a private window', async () => {
  const site = await findSite(world({ url: 'https://a.example:8443/path?q#h', incognito: true }), '')
  expect(site).toEqual({ tab: 4, origin: 'https://a.example:8443', refusal: '', private: true })
})

test.each([
  ['chrome:', { url: 'chrome://version/' }, 'not chrome:'],
  ['file:', { url: 'file:///home/page.html' }, 'not file:'],
  ['data:', { url: 'data:text/html,x' }, 'not data:'],
  ['about:blank', { url: 'about:blank' }, 'not about:'],
  ['one that the browser does not show us', {}, 'cannot see this page']
])('%s cannot be served', async (_, tab, refusal) => {
  const site = await findSite(world(tab), '')
  expect(site).toMatchObject({ tab: 4, origin: null })
  expect(site.refusal).toContain(refusal)
})

test('a page that its server sandboxes cannot be served, whatever its address', async () => {
  expect(await findSite(world({ url: 'https://a.example/' }, 'null'), '')).toMatchObject({ origin: null })
  expect(await findSite(world({ url: 'https://a.example/' }, 'https://a.example'), '')).toMatchObject({ refusal: '' })
})

test('#tab names another one; one that is gone is said to be', async () => {
  expect(await findSite(world({ url: 'https://a.example/' }), '#tab=4')).toMatchObject({ tab: 4, refusal: '' })
  expect(await findSite(world({ url: 'https://a.example/' }), '#tab=5')).toMatchObject({ tab: -1, origin: null })
  expect(await findSite(world(undefined), '')).toMatchObject({ tab: -1, origin: null })
})

// --- the port to the worker -----------------------------------------------------------------------------------------

afterEach(() => vi.useRealTimers())

test('a worker that was stopped is called again after a moment, and told what is watched', () => {
  vi.useFakeTimers()
  const ports: { said: FromPopup[]; lose: () => void }[] = []
  const connect = (): WorkerPort<FromPopup, Snapshot> => {
    const port: (typeof ports)[number] = { said: [], lose: () => undefined }
    ports.push(port)
    return {
      postMessage: (message) => port.said.push(message),
      onMessage: { addListener: () => undefined },
      onDisconnect: {
        addListener: (listener) => {
          port.lose = listener
        }
      }
    }
  }
  const link = new WorkerLink(connect, () => undefined)
  link.send({ type: 'ASK' })
  expect(ports).toHaveLength(0)
  const watch = { type: 'WATCH', tab: 1, origin: null, private: false } as const
  link.watch(watch)
  link.watch({ ...watch, tab: 2 })
  expect(ports[0]?.said).toEqual([watch, { ...watch, tab: 2 }])
  ports[0]?.lose()
  link.send({ type: 'ASK' })
  vi.advanceTimersByTime(RECONNECT_MS - 1)
  expect(ports).toHaveLength(1)
  vi.advanceTimersByTime(1)
  expect(ports[1]?.said).toEqual([{ ...watch, tab: 2 }])
})
