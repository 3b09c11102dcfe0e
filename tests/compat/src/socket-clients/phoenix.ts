import { Socket } from 'phoenix'
import { Count, type SocketClient } from '../session'

export const client: SocketClient = {
  reconnects: true,
  async open(task) {
    const changes = new Count()
    const socket = new Socket(`${task.url}/socket`, {
      transport: task.WebSocket,
      reconnectAfterMs: () => 10,
      rejoinAfterMs: () => 10
    })
    socket.onOpen(() => task.tell('open'))
    socket.onError(() => task.tell('error'))
    socket.onClose(({ code, reason, wasClean }: CloseEvent) => task.tell(['close', code, reason, wasClean]))
    socket.connect()
    const channel = socket.channel('room:lobby', { name: 'me' })
    channel.join().receive('ok', (response: unknown) => {
      task.tell(['joined', response])
      changes.mark()
    })
    channel.onError((reason: unknown) => task.tell(['channel error', typeof reason]))
    await changes.until(1)
    const pushed = (payload: object) =>
      new Promise<unknown>((resolve, reject) => {
        channel.push('echo', payload).receive('ok', resolve).receive('error', reject).receive('timeout', reject)
      })
    return {
      changes,
      text: async (text) => ((await pushed({ text })) as { text: string }).text,
      binary: async (bytes) => new Uint8Array((await pushed(bytes.slice().buffer)) as ArrayBuffer),
      close: () => new Promise<void>((resolve) => socket.disconnect(resolve, 1000, 'done'))
    }
  }
}
