import ReconnectingWebSocket from 'reconnecting-websocket'
import { session } from '../reconnecting'
import type { SocketClient } from '../session'

export const client: SocketClient = {
  reconnects: true,
  open(task) {
    const socket = new ReconnectingWebSocket(`${task.url}/room`, ['chat'], {
      WebSocket: task.WebSocket,
      minReconnectionDelay: 10,
      maxReconnectionDelay: 50
    })
    return session(task, socket as WebSocket)
  }
}
