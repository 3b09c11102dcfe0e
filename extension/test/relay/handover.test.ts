// A relay and a shim that have never met: whichever runs first, the shim has the port before anybody else looks.

import { beforeEach, describe, expect, test } from 'vitest'
import { announceShim, receivePorts } from '../../src/page/handover'
import { handOver } from '../../src/relay/handover'
import { BRIDGE_VERSION, GONE_EVENT, PORT_EVENT, SHIM_EVENT } from '../../src/shared/names'

let target: EventTarget
let attached: MessagePort[]
let detached: MessagePort[]
let orphaned: boolean

beforeEach(() => {
  target = new EventTarget()
  attached = []
  detached = []
  orphaned = false
})

const newPort = () => new MessageChannel().port2
const startShim = () => {
  receivePorts(target, { attach: (port) => attached.push(port), detach: (port) => detached.push(port) })
  announceShim(target)
}
const startRelay = (port: MessagePort) => handOver(target, port, () => orphaned)

describe.each([
  ['the relay', (port: MessagePort) => [() => startRelay(port), startShim]],
  ['the shim', (port: MessagePort) => [startShim, () => startRelay(port)]]
])('%s runs first', (_, inOrder) => {
  test('and the shim has the port when both have run, once', () => {
    const port = newPort()
    for (const run of inOrder(port)) run()
    expect(attached).toEqual([port])
    announceShim(target)
    announceShim(target)
    expect(attached).toEqual([port])
  })

  test('and a script that comes later sees neither port nor event', () => {
    for (const run of inOrder(newPort())) run()
    const seen: string[] = []
    for (const type of [PORT_EVENT, GONE_EVENT]) target.addEventListener(type, () => seen.push(type))
    announceShim(target)
    startRelay(newPort())
    orphaned = true
    announceShim(target)
    expect(seen).toEqual([])
  })
})

test('a shim that comes late is answered when it asks', () => {
  const port = newPort()
  startRelay(port)
  announceShim(target)
  startShim()
  expect(attached).toEqual([port])
})

test('the relay of the extension’s next life takes the place of the first', () => {
  const [first, second] = [newPort(), newPort()]
  startRelay(first)
  startShim()
  orphaned = true
  startRelay(second)
  expect(attached).toEqual([first, second])
})

test('a dead relay says so when it is asked, once, and then nothing', () => {
  const port = newPort()
  startRelay(port)
  startShim()
  orphaned = true
  announceShim(target)
  announceShim(target)
  expect(attached).toEqual([port])
  expect(detached).toEqual([port])
})

describe('a shim takes nothing', () => {
  const offer = (init: MessageEventInit) => new MessageEvent(PORT_EVENT, { cancelable: true, ...init })

  test.each<[string, MessageEventInit]>([
    ['of another bridge version', { data: BRIDGE_VERSION + 1, ports: [newPort()] }],
    ['without a version', { ports: [newPort()] }],
    ['that says its version in text', { data: String(BRIDGE_VERSION), ports: [newPort()] }],
    ['without a port', { data: BRIDGE_VERSION, ports: [] }]
  ])('%s, and lets the relay know', (_, init) => {
    startShim()
    expect(target.dispatchEvent(offer(init))).toBe(true)
    expect(attached).toEqual([])
  })
})

test('a relay that was not taken offers its port again to whoever asks', () => {
  const offered: MessagePort[] = []
  const listen = (event: Event) => offered.push(...(event as MessageEvent).ports)
  target.addEventListener(PORT_EVENT, listen)
  const port = newPort()
  startRelay(port)
  target.dispatchEvent(new Event(SHIM_EVENT))
  expect(offered).toEqual([port, port])
})
