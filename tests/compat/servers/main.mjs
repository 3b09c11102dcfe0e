// The servers of the clients in ../src/socket-clients, on 127.0.0.1: `node main.mjs FOLDER`.
//
// The first segment of a path names the server. As `localhost` it is the page's own origin and wants no key; as `127.0.0.1`
// it is what Longwire reaches, and wants `Authorization: Bearer KEY`. Reads `{"key": …, "tls": {"cert": …, "key": …}}` from
// stdin, writes its ports to stdout, of HTTP and of HTTPS, and ends with stdin.

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { join, normalize } from 'node:path'
import { stderr, stdin, stdout } from 'node:process'
import { createInterface } from 'node:readline'
import { Stage } from './stage.mjs'
import { WIRES } from './wires.mjs'

const [, , folder] = process.argv
const lines = createInterface(stdin)
const [given] = await once(lines, 'line')
const { key, tls } = JSON.parse(given)
const stage = new Stage(key)

function answer(response, status, body = '', type = 'application/json') {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-cache' })
  response.end(body)
}

async function respond(request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost')
  const [, first, second] = pathname.split('/')
  if (pathname === '/') {
    return answer(
      response,
      200,
      "<!doctype html><title>sockets</title><script type='module' src='/socket-page.js'></script>",
      'text/html'
    )
  }
  if (first === 'stage') {
    const told = await stage.obey(second, searchParams)
    if (second === 'begin') for (const { begin } of Object.values(WIRES)) begin?.()
    return answer(response, 200, JSON.stringify(told))
  }
  const http = WIRES[first]?.http
  if (http !== undefined) {
    if (!stage.admit(request)) return answer(response, 401, '{}')
    return http(request, response, answer)
  }
  const file = await readFile(join(folder, normalize(pathname))).catch(() => null)
  return file === null ? answer(response, 404) : answer(response, 200, file, 'text/javascript; charset=utf-8')
}

function onRequest(request, response) {
  respond(request, response).catch((error) => {
    stderr.write(`${error.stack}\n`)
    answer(response, 500, '{}')
  })
}

function onUpgrade(request, socket, head) {
  const wire = WIRES[request.url.split(/[/?]/)[1]]
  socket.on('error', () => undefined)
  const admitted = stage.admit(request)
  const status = wire === undefined ? 404 : admitted ? stage.verdict() : 401
  if (status !== 101) {
    socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
    return
  }
  wire.upgrade(request, socket, head, (websocket) => stage.track(websocket, request, wire))
}

const ports = []
for (const server of [createServer(onRequest), createSecureServer(tls, onRequest)]) {
  server.on('upgrade', onUpgrade)
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  ports.push(server.address().port)
}
stdout.write(`${JSON.stringify(ports)}\n`)
lines.on('close', () => process.exit())
