import library from 'mqtt'
import { Count, type SocketClient } from '../session'

export const client: SocketClient = {
  reconnects: true,
  async open(task) {
    const changes = new Count()
    let take: (message: Uint8Array) => void = () => undefined
    const mqtt = await library.connectAsync(
      task.url,
      {
        clientId: 'compat',
        createWebsocket: (url, protocols) => new task.WebSocket(url, protocols),
        reconnectPeriod: 10
      },
      true
    )
    task.tell('connect')
    changes.mark()
    mqtt.on('connect', ({ returnCode }) => {
      task.tell(['connect', returnCode])
      changes.mark()
    })
    for (const type of ['reconnect', 'close', 'offline', 'disconnect', 'end', 'error'] as const) {
      mqtt.on(type, () => task.tell(type))
    }
    mqtt.on('message', (topic, message) => {
      task.tell(['message', topic, message.length])
      take(message)
    })
    await mqtt.subscribeAsync('room')
    const published = async (payload: string | Uint8Array<ArrayBuffer>) => {
      const arrived = new Promise<Uint8Array>((resolve) => {
        take = resolve
      })
      // The client takes Node's class, which its own bundle has.
      await mqtt.publishAsync('room', payload as string, { qos: 1 })
      return arrived
    }
    return {
      changes,
      text: async (text) => new TextDecoder().decode(await published(text)),
      binary: published,
      close: () => mqtt.endAsync()
    }
  }
}
