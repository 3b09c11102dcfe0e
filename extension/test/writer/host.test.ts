// What the writer has of the host: a shim and a relay of its own, by a port of its own name.

import { beforeEach, describe, expect, test } from 'vitest'
import type { Port } from '../../src/platform/platform'
import type { StreamStartFields } from '../../src/protocol/bridge'
import { WRITER_PORT, WRITER_SETTINGS_PORT } from '../../src/shared/names'
import { USUAL_SETTINGS, type WriterSettings } from '../../src/shared/writer-settings'
import { connectHost, type WriterHost } from '../../src/writer/host'
import { delivered } from '../messaging'

class FakePort implements Port {
  readonly posted: unknown[] = []
  disconnected = false
  #said: (message: unknown) => void = () => undefined
  #ended: () => void = () => undefined
  readonly onMessage = {
    addListener: (listener: (message: unknown) => void) => {
      this.#said = listener
    }
  }
  readonly onDisconnect = {
    addListener: (listener: () => void) => {
      this.#ended = listener
    }
  }
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  postMessage(message: unknown): void {
    this.posted.push(message)
  }

  disconnect(): void {
    this.disconnected = true
  }

  say(message: unknown): void {
    this.#said(message)
  }

  end(): void {
    this.#ended()
  }
}

let ports: FakePort[]
let orphaned: boolean
let host: WriterHost
let events: Map<string, (event: PageTransitionEvent) => void>

beforeEach(() => {
  ports = []
  orphaned = false
  events = new Map()
  const platform = {
    connect: (name: string) => {
      if (orphaned) throw new Error('Extension context invalidated.')
      const port = new FakePort(name)
      ports.push(port)
      return port
    },
    orphaned: () => orphaned
  }
  host = connectHost(platform, { addEventListener: (type, listener) => void events.set(type, listener) })
})

const port = (index = ports.length - 1) => ports[index] as FakePort
const started = () => port().posted.filter((message) => (message as { type: string }).type === 'STREAM_START')
const cached = (type: string) => events.get(type)?.(new PageTransitionEvent(type, { persisted: true }))

const headers = (id: number) => ({
  type: 'STREAM_HEADERS',
  id,
  url: 'https://api.example.com/x',
  redirected: false,
  status: 200,
  reason: 'OK',
  headers: []
})
const end = (id: number) => ({
  type: 'STREAM_END',
  id,
  bytes: 0,
  completeness: 'length',
  timings: { total_ms: 1 }
})

test('nothing is opened before something is asked', async () => {
  await delivered()
  expect(ports).toEqual([])
})

test('a fetch goes by the writer’s own port, and what comes back is its response', async () => {
  const answer = host.hostFetch('https://api.example.com/x')
  await delivered()
  expect(port().name).toBe(WRITER_PORT)
  const [start] = started() as StreamStartFields[]
  expect(start).toMatchObject({ method: 'GET', url: 'https://api.example.com/x' })
  // Who asks is for the worker to say.
  expect(JSON.stringify(start)).not.toContain('writer')
  port().say(headers(1))
  port().say(end(1))
  expect((await answer).status).toBe(200)
})

test('a generation is asked of the host, and its headers may take as long as the caller waits', async () => {
  const answer = host.generate(
    { provider: 'p', messages: [{ role: 'user', content: 'Why?' }] },
    { headerTimeout: 900_000 }
  )
  const ended = answer.readToCompletion().catch((error: unknown) => error)
  await delivered()
  const [start] = started() as StreamStartFields[]
  expect(start).toMatchObject({ method: 'POST', url: 'longwire:generate', timeouts: { header_ms: 900_000 } })
  const text = { code: 'POLICY_DENIED', message: 'no grant', phase: 'policy', retryable: false }
  port().say({ type: 'STREAM_ERROR', id: 1, ...text })
  expect(await ended).toMatchObject({ code: 'POLICY_DENIED' })
})

test('status asks by the same port', async () => {
  const status = host.status()
  await delivered()
  expect(port().name).toBe(WRITER_PORT)
  const providers = [{ name: 'p', models: ['m'] }]
  port().say({ type: 'STATUS', request: 1, state: 'ready', destinations: [], providers })
  expect(await status).toEqual({ state: 'ready', destinations: [], providers })
})

test('a worker that went away loses what was under way, and is found again', async () => {
  const lost = host.hostFetch('https://api.example.com/x')
  const refused = expect(lost).rejects.toMatchObject({ name: 'TypeError', code: 'BRIDGE_LOST' })
  await delivered()
  port().end()
  await refused
  const again = host.hostFetch('https://api.example.com/x')
  await delivered()
  expect(ports).toHaveLength(2)
  port().say(headers(2))
  expect((await again).status).toBe(200)
})

describe('an extension that was reloaded', () => {
  test('ends what was under way and refuses the rest, at once, with what to do', async () => {
    const lost = host.hostFetch('https://api.example.com/x')
    const refused = expect(lost).rejects.toMatchObject({ code: 'BRIDGE_LOST' })
    await delivered()
    orphaned = true
    port().end()
    await refused
    expect(host.orphaned()).toBe(true)
    const dead = { code: 'BRIDGE_LOST', message: expect.stringContaining('Reload this page') }
    await expect(host.hostFetch('https://api.example.com/x')).rejects.toMatchObject(dead)
    await expect(host.status()).rejects.toMatchObject(dead)
    await expect(host.settings()).rejects.toMatchObject(dead)
    await expect(host.generate({ provider: 'p', messages: [] }).readToCompletion()).rejects.toMatchObject({
      code: 'BRIDGE_LOST'
    })
    expect(ports).toHaveLength(1)
  })
})

test('a page in the back/forward cache holds no port, and its streams are over when it comes back', async () => {
  const lost = host.hostFetch('https://api.example.com/x')
  const refused = expect(lost).rejects.toMatchObject({ code: 'BRIDGE_LOST' })
  const asked = expect(host.settings()).rejects.toMatchObject({ code: 'BRIDGE_LOST' })
  await delivered()
  cached('pagehide')
  expect(ports.map(({ disconnected }) => disconnected)).toEqual([true, true])
  cached('pageshow')
  await refused
  await asked
})

describe('settings', () => {
  const german: WriterSettings = { ...USUAL_SETTINGS, language: 'Deutsch' }
  const tell = (settings: WriterSettings) => port().say({ type: 'SETTINGS', settings })

  test('come by a port of their own, and those who ask share it', async () => {
    const [one, other] = [host.settings(), host.settings()]
    await delivered()
    expect(ports.map(({ name }) => name)).toEqual([WRITER_SETTINGS_PORT])
    tell(german)
    expect(await Promise.all([one, other, host.settings()])).toEqual([german, german, german])
    expect(ports).toHaveLength(1)
  })

  test('a change is told to who listens, and is what holds', async () => {
    const heard: WriterSettings[] = []
    const undo = host.onSettings((settings) => heard.push(settings))
    const asked = host.settings()
    await delivered()
    tell(USUAL_SETTINGS)
    await asked
    tell(german)
    undo()
    tell(USUAL_SETTINGS)
    expect(heard).toEqual([german])
    expect(await host.settings()).toEqual(USUAL_SETTINGS)
  })

  test('after the worker slept they are asked for anew: what was told before may not hold any more', async () => {
    const asked = host.settings()
    await delivered()
    tell(USUAL_SETTINGS)
    await asked
    port().end()
    const again = host.settings()
    await delivered()
    expect(ports).toHaveLength(2)
    tell(german)
    expect(await again).toEqual(german)
  })

  test('a worker that is lost before it answers, and one that refuses, say so', async () => {
    const lost = expect(host.settings()).rejects.toMatchObject({ code: 'BRIDGE_LOST' })
    await delivered()
    port().end()
    await lost
    const refused = expect(host.settings()).rejects.toMatchObject({ code: 'POLICY_DENIED', message: 'Not here.' })
    await delivered()
    port().say({ type: 'REFUSED', message: 'Not here.' })
    await refused
  })
})

test('a person is shown the settings page, by the port that is open or by one that is opened for it', async () => {
  host.openSettings()
  expect(ports.map(({ name, posted }) => [name, posted])).toEqual([[WRITER_SETTINGS_PORT, [{ type: 'OPEN_SETTINGS' }]]])
  host.openSettings()
  expect(ports).toHaveLength(1)
  orphaned = true
  expect(() => host.openSettings()).not.toThrow()
})
