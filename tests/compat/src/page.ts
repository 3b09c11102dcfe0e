// Runs one client once and tells the stage (tests/upstreams/vendors/stage.py) what it shows.

import { describe } from './errors'
import type { Client, Task } from './task'

interface Order {
  readonly module: string
  /** `patch`: the client has the page's own fetch, which `longwire.patch` has replaced. */
  readonly through: 'longwire' | 'patch' | 'browser'
  readonly base: string
  readonly key: string
  readonly call: 'whole' | 'stream'
  readonly scenario: string
}

interface Report {
  readonly shown: string[]
  readonly value?: unknown
  readonly error?: unknown
  readonly unhandled: unknown[]
}

interface Longwire {
  readonly fetch: typeof fetch
  readonly patch: () => () => void
}
declare const longwire: Longwire

const STUCK_AFTER_MS = 15_000

async function stage(path: string, body?: string): Promise<void> {
  const response = await fetch(`/stage/${path}`, { method: 'POST', body: body ?? null })
  if (!response.ok) throw new Error(`the stage answered ${response.status}`)
}

async function run(order: Order): Promise<Report> {
  const { client } = (await import(`/clients/${order.module}.js`)) as { client: Client }
  const undo = order.through === 'patch' ? longwire.patch() : () => undefined
  const shown: string[] = []
  const unhandled: unknown[] = []
  const aborter = new AbortController()
  // One after the other, whichever of several connections a request would take.
  let told = Promise.resolve()
  const tell = (what: () => Promise<unknown>) => {
    told = told.then(what).then(() => undefined)
  }
  const abort = async () => {
    aborter.abort()
    await stage('aborted')
  }
  const task: Task = {
    fetch: order.through === 'longwire' ? longwire.fetch : (input, init) => fetch(input, init),
    base: order.base,
    key: order.key,
    signal: aborter.signal,
    retries: ['retried', 'busy'].includes(order.scenario) ? 1 : 0,
    show: (text) => {
      if (text === '') return
      shown.push(text)
      tell(() => stage('seen', text))
      if (order.scenario === 'abort-streaming' && shown.length === 1) tell(abort)
    }
  }
  const onUnhandled = (event: PromiseRejectionEvent) => unhandled.push(describe(event.reason))
  addEventListener('unhandledrejection', onUnhandled)
  const running = (client[order.call] as (task: Task) => Promise<unknown>)(task).then(
    (value) => ({ value }),
    (error) => ({ error: describe(error) })
  )
  const elsewhere = async () => (await task.fetch(`${order.base}/health`, { headers: authorization(order) })).text()
  if (order.scenario === 'abort-waiting') tell(() => stage('held?n=1').then(abort))
  if (order.scenario === 'slow') {
    for (const time of [1, 2]) {
      tell(async () => {
        await stage(`held?n=${time}`)
        // Slow is what comes after something else that went all the way and back.
        await elsewhere()
        await stage('go')
      })
    }
  }
  let timer: ReturnType<typeof setTimeout> | undefined
  const stuck = new Promise<{ error: unknown }>((resolve) => {
    timer = setTimeout(() => resolve({ error: 'STUCK' }), STUCK_AFTER_MS)
  })
  const ended = await Promise.race([running, stuck])
  await Promise.race([told, stuck])
  clearTimeout(timer)
  undo()
  removeEventListener('unhandledrejection', onUnhandled)
  const text = JSON.stringify({ shown, ...ended, unhandled })
  return JSON.parse(text.replaceAll(new URL(order.base).origin, 'ORIGIN'))
}

function authorization({ key }: Order): Record<string, string> {
  return { authorization: `Bearer ${key}` }
}

Object.assign(globalThis, { run })
