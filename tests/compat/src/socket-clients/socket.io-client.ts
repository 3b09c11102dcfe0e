import { io, WebSocket as Transport } from 'socket.io-client'
import { Count, type SocketClient } from '../session'

export const client: SocketClient = {
  reconnects: true,
  async open(task) {
    const changes = new Count()
    class Through extends Transport {
      override createSocket(uri: string, protocols: string | string[] | undefined): WebSocket {
        return protocols === undefined ? new task.WebSocket(uri) : new task.WebSocket(uri, protocols)
      }
    }
    const { origin } = new URL(task.url)
    const socket = io(origin, {
      path: '/socket.io-client/',
      transports: [Through],
      forceNew: true,
      reconnectionDelay: 10,
      reconnectionDelayMax: 50
    })
    socket.on('connect', () => {
      task.tell(['connect', socket.recovered])
      changes.mark()
    })
    socket.on('greeting', (text: string) => task.tell(['greeting', text]))
    socket.on('connect_error', ({ name, message }) => task.tell(['connect_error', name, message]))
    socket.on('disconnect', (reason) => task.tell(['disconnect', reason, socket.active]))
    socket.io.on('reconnect_attempt', (attempt) => task.tell(['reconnect_attempt', attempt]))
    socket.io.on('reconnect', (attempt) => task.tell(['reconnect', attempt]))
    await changes.until(1)
    return {
      changes,
      text: (text) => socket.emitWithAck('echo', text),
      binary: async (bytes) => new Uint8Array(await socket.emitWithAck('echo', bytes)),
      close: () => socket.disconnect()
    }
  }
}
