// Runs one client of sockets once and tells the stage (servers/stage.mjs) what to do to it.

import { describe } from './errors'
import type { Session, SocketClient, SocketTask } from './session'

interface Order {
  readonly module: string
  readonly through: 'longwire' | 'browser'
  readonly url: string
  readonly scenario: 'talk' | 'binary' | 'large' | 'closed' | 'lost' | 'refused' | 'left'
  readonly texts: readonly string[]
}

interface Longwire {
  readonly fetch: typeof fetch
  readonly WebSocket: typeof WebSocket
  readonly patch: (options: { webSocket: boolean; destinations: string[] }) => () => void
}
declare const longwire: Longwire

const STUCK_AFTER_MS = 20_000
/** More than a window, so that it comes in parts. */
const LARGE = 'größer '.repeat(60_000)

const native = WebSocket

async function stage(act: string): Promise<unknown> {
  const response = await browsers(`/stage/${act}`, { method: 'POST' })
  if (!response.ok) throw new Error(`the stage answered ${response.status}`)
  return response.json()
}

const browsers = fetch.bind(globalThis)

function same(sent: Uint8Array, got: Uint8Array): unknown {
  return sent.length === got.length && sent.every((byte, index) => byte === got[index]) ? sent.length : Array.from(got)
}

/** What is done in each scenario; every one but that which fails ends with the client's close. */
const SCENES: Record<Order['scenario'], (session: Session, order: Order, again: boolean) => Promise<unknown>> = {
  async talk(session, { texts }) {
    const got = []
    for (const text of texts) got.push(await session.text(text))
    return got
  },
  async binary(session) {
    const got = []
    for (const size of [3, 1000, 70_000]) {
      const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 7) % 256)
      // Not of a buffer's own.
      const view = new Uint8Array(new ArrayBuffer(size + 8), 5, size)
      view.set(bytes)
      got.push(same(bytes, (await session.binary?.(view)) ?? new Uint8Array()))
    }
    return got
  },
  async large(session) {
    const got = await session.text(LARGE)
    return got === LARGE ? LARGE.length : got
  },
  closed: (session, order, again) =>
    interrupted(session, order, again, 'close?code=1012&reason=Neustart%20f%C3%BCr%20alle'),
  lost: (session, order, again) => interrupted(session, order, again, 'lose'),
  refused: (session, { texts }) => session.text(texts[0] as string),
  left: () => Promise.resolve()
}

async function interrupted(session: Session, { texts }: Order, again: boolean, act: string): Promise<unknown> {
  const got = [await session.text(texts[0] as string)]
  await stage(act)
  await session.changes.until(again ? 2 : 1)
  if (again) got.push(await session.text(texts[1] as string))
  return got
}

async function play(order: Order, task: SocketTask): Promise<unknown> {
  const { client } = (await import(`/socket-clients/${order.module}.js`)) as { client: SocketClient }
  await stage(`begin?refuse=${order.scenario === 'refused' ? 1 : 0}`)
  const session = await client.open(task)
  try {
    return await SCENES[order.scenario](session, order, client.reconnects)
  } finally {
    await session.close()
  }
}

async function run(order: Order): Promise<unknown> {
  const ours = order.through === 'longwire'
  const told: unknown[] = []
  const unhandled: unknown[] = []
  const task: SocketTask = {
    WebSocket: ours ? longwire.WebSocket : native,
    fetch: ours ? longwire.fetch : browsers,
    url: order.url,
    patch: () => (ours ? longwire.patch({ webSocket: true, destinations: [order.url] }) : () => undefined),
    tell: (event) => told.push(event)
  }
  const onUnhandled = (event: PromiseRejectionEvent) => unhandled.push(describe(event.reason))
  addEventListener('unhandledrejection', onUnhandled)
  let timer: ReturnType<typeof setTimeout> | undefined
  const stuck = new Promise<{ error: unknown }>((resolve) => {
    timer = setTimeout(() => resolve({ error: 'STUCK' }), STUCK_AFTER_MS)
  })
  const played = play(order, task).then(
    (value) => ({ value }),
    (error) => ({ error: describe(error) })
  )
  const ended = await Promise.race([played, stuck])
  const record = 'error' in ended && ended.error === 'STUCK' ? null : await stage('end')
  clearTimeout(timer)
  removeEventListener('unhandledrejection', onUnhandled)
  const { host } = new URL(order.url)
  const text = JSON.stringify({ ...ended, told, unhandled, record })
  return JSON.parse(text.replaceAll(host, 'HOST'))
}

Object.assign(globalThis, { run })
