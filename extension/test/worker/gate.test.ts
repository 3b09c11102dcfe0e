// What is held back, in which order it goes on, and what it is said to wait for.

import { beforeEach, expect, test } from 'vitest'
import { Gate } from '../../src/worker/gate'

const ORIGIN = 'https://app.example.com'

let switches: { known: boolean; ready: Promise<void> }
let switchesAnswer: () => void
let permissionAnswers: (() => void) | null
let known: Set<string>
let gate: Gate

beforeEach(() => {
  switches = {
    known: false,
    ready: new Promise((resolve) => {
      switchesAnswer = () => {
        switches.known = true
        resolve()
      }
    })
  }
  known = new Set()
  const waiting: (() => void)[] = []
  permissionAnswers = () => {
    known.add(ORIGIN)
    for (const act of waiting) act()
  }
  gate = new Gate(switches, {
    knows: (origin) => known.has(origin),
    whenKnown: (origin, act) => {
      if (known.has(origin)) act()
      else waiting.push(act)
    }
  })
})

test('first the switches, then the permission, each said once for each message; then nothing', async () => {
  const order: number[] = []
  const waits: string[] = []
  for (const turn of [1, 2])
    gate.whenAllowed(
      ORIGIN,
      () => order.push(turn),
      (what) => waits.push(what)
    )
  expect([order, waits, gate.waitsFor(ORIGIN)]).toEqual([[], ['settings', 'settings'], 'settings'])
  switchesAnswer()
  await switches.ready
  await Promise.resolve()
  expect([order, waits.slice(2), gate.waitsFor(ORIGIN)]).toEqual([[], ['permission', 'permission'], 'permission'])
  permissionAnswers?.()
  expect([order, gate.waitsFor(ORIGIN)]).toEqual([[1, 2], null])
  gate.whenAllowed(
    ORIGIN,
    () => order.push(3),
    (what) => waits.push(what)
  )
  expect([order, waits.length]).toEqual([[1, 2, 3], 4])
})

test('a frame that has no origin is not asked for', async () => {
  let acted = 0
  const act = () => {
    acted += 1
  }
  gate.whenAllowed(null, act)
  switchesAnswer()
  await switches.ready
  await Promise.resolve()
  expect([acted, gate.waitsFor(null)]).toEqual([1, null])
})
