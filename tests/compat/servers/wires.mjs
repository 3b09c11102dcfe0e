// The servers by name: those that npm has, and small ones that speak what the client's documentation says.

import { createServer } from 'node:http'
import { initTRPC } from '@trpc/server'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { Aedes } from 'aedes'
import { GraphQLNonNull, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { Server as SocketIo } from 'socket.io'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { docs, getYDoc, setupWSConnection } from 'y-websocket-server/bin/utils'
import { serveCable } from './cable.mjs'
import { answerKernels, serveKernel } from './jupyter.mjs'
import { servePhoenix } from './phoenix.mjs'
import { serveRealtime } from './realtime.mjs'
import { serveRfb, UPDATE_REQUEST } from './rfb.mjs'
import { serveHub } from './signalr.mjs'

/** A server of the `ws` package, with the protocol of `protocols` that the client offers, and what serves a connection. */
function over(serve, protocols = []) {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    handleProtocols: (offered) => protocols.find((each) => offered.has(each)) ?? false
  })
  serve(server)
  return {
    upgrade(request, socket, head, track) {
      server.handleUpgrade(request, socket, head, (websocket) => {
        track(websocket)
        server.emit('connection', websocket, request)
      })
    }
  }
}

const each = (serve) => (server) => server.on('connection', serve)

const echo = over(
  each((socket) => socket.on('message', (data, binary) => socket.send(data, { binary }))),
  ['chat']
)

const text = { type: new GraphQLNonNull(GraphQLString) }
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: 'Query',
    fields: { echo: { ...text, args: { text }, resolve: (_, given) => given.text } }
  }),
  subscription: new GraphQLObjectType({
    name: 'Subscription',
    fields: {
      letters: {
        ...text,
        args: { text },
        async *subscribe(_, given) {
          for (const letter of given.text) yield { letters: letter }
        }
      }
    }
  })
})

const { procedure, router } = initTRPC.create()
const appRouter = router({
  echo: procedure.input(String).query(({ input }) => input),
  letters: procedure.input(String).subscription(async function* ({ input }) {
    yield* input
  })
})

function socketIo() {
  // Never listens: it gets the handshakes of its path.
  const inner = createServer()
  const options = { path: '/socket.io-client/', transports: ['websocket'], serveClient: false, pingInterval: 60_000 }
  const io = new SocketIo(inner, options)
  io.on('connection', (socket) => {
    socket.emit('greeting', 'Grüße')
    socket.on('echo', (value, acknowledge) => acknowledge(value))
  })
  return {
    upgrade(request, socket, head, track) {
      io.engine.once('connection', (raw) => track(raw.transport.socket))
      inner.emit('upgrade', request, socket, head)
    }
  }
}

const broker = await Aedes.createBroker()
const serveMqtt = (socket, request) => broker.handle(createWebSocketStream(socket), request)

function serveYjs(socket, request) {
  const name = request.url.slice(1)
  if (!docs.has(name)) {
    const doc = getYDoc(name)
    // Else a random one, of any length as it is sent.
    doc.clientID = 2
    const said = doc.getMap('said')
    const heard = doc.getMap('heard')
    said.observe(({ keysChanged }) => {
      for (const key of keysChanged) heard.set(key, said.get(key))
    })
  }
  setupWSConnection(socket, request)
}

export const WIRES = {
  'reconnecting-websocket': echo,
  partysocket: echo,
  'graphql-ws': over((server) => useServer({ schema }, server), ['graphql-transport-ws']),
  trpc: over((wss) => applyWSSHandler({ wss, router: appRouter })),
  'socket.io-client': socketIo(),
  actioncable: over(each(serveCable), ['actioncable-v1-json']),
  mqtt: { ...over(each(serveMqtt), ['mqtt']), hangsUp: true },
  jupyterlab: { ...over(each(serveKernel), ['v1.kernel.websocket.jupyter.org']), http: answerKernels },
  // How often a screen is asked for depends on when it is drawn.
  novnc: { ...over(each(serveRfb), ['binary']), ignores: (data) => data[0] === UPDATE_REQUEST },
  signalr: over(each(serveHub)),
  // Each case begins with an empty document.
  'y-websocket': { ...over(each(serveYjs)), begin: () => docs.clear() },
  phoenix: over(each(servePhoenix)),
  supabase: over(each(servePhoenix)),
  openai: over(each(serveRealtime), ['realtime'])
}
