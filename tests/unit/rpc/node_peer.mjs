// A process of Node: `client URL` runs the scenario, over Node's own WebSocket where there is one and that of `ws` where not,
// and writes what came of it, `plain URL` likewise with a plain server; `server` serves the application, `relay`
// passes messages between each two that connect, and both write their port first.

import { createRequire } from 'node:module'
import { serve } from './application.mjs'
import { plainScenario } from './plain_scenario.mjs'
import { scenario } from './scenario.mjs'

const [, , library, packages, what, url] = process.argv
const { accept, connect, Resumables, RpcError } = await import(library)
const { WebSocket, WebSocketServer } = createRequire(packages)('ws')

if (what === 'client') {
  // Node's own is the global one.
  const own = globalThis.WebSocket === undefined ? { WebSocket } : {}
  process.stdout.write(`${JSON.stringify(await scenario(connect, url, { ...own, retry: false }))}\n`)
} else if (what === 'plain') {
  const own = globalThis.WebSocket === undefined ? { WebSocket } : {}
  process.stdout.write(`${JSON.stringify(await plainScenario(connect(url, { ...own, retry: false }), RpcError))}\n`)
} else {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
    process.stdout.write(`${server.address().port}\n`)
  })
  const resumables = new Resumables()
  let waiting = null
  const unsent = []
  server.on('connection', async (socket) => {
    if (what === 'server') return serve(await accept(socket, { resumables }), RpcError)
    if (waiting === null) {
      waiting = socket
      socket.on('message', (data, binary) => unsent.push([data, binary]))
      return
    }
    const [one, other] = [waiting, socket]
    waiting = null
    one.removeAllListeners('message')
    for (const [from, to] of [
      [one, other],
      [other, one]
    ]) {
      from.on('message', (data, binary) => to.send(data, { binary }))
      from.on('close', () => to.close())
    }
    for (const [data, binary] of unsent.splice(0)) other.send(data, { binary })
  })
}
