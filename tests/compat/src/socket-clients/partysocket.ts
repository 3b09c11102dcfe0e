import { PartySocket } from 'partysocket'
import { session } from '../reconnecting'
import type { SocketClient } from '../session'

export const client: SocketClient = {
  reconnects: true,
  open(task) {
    const { host, pathname } = new URL(task.url)
    const socket = new PartySocket({
      host,
      prefix: pathname.slice(1),
      room: 'room',
      id: 'me',
      protocols: ['chat'],
      WebSocket: task.WebSocket,
      minReconnectionDelay: 10,
      maxReconnectionDelay: 50
    })
    return session(task, socket as unknown as WebSocket)
  }
}
