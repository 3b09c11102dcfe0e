import { RealtimeClient } from '@supabase/realtime-js'
import { Count, type SocketClient } from '../session'

export const client: SocketClient = {
  reconnects: true,
  async open(task) {
    const changes = new Count()
    const realtime = new RealtimeClient(task.url, {
      transport: task.WebSocket,
      params: { apikey: 'the-host-knows-it' },
      reconnectAfterMs: () => 10
    })
    let take: (message: { payload: unknown }) => void = () => undefined
    const channel = realtime.channel('room', { config: { broadcast: { self: true } } })
    channel.on('broadcast', { event: 'echo' }, (message) => take(message as unknown as { payload: unknown }))
    channel.subscribe((status, error) => {
      task.tell(['status', status, error?.message])
      if (status === 'SUBSCRIBED') changes.mark()
    })
    await changes.until(1)
    const sent = async (payload: object) => {
      const arrived = new Promise<unknown>((resolve) => {
        take = (message) => resolve(message.payload)
      })
      await channel.send({ type: 'broadcast', event: 'echo', payload })
      return arrived
    }
    return {
      changes,
      text: async (text) => ((await sent({ text })) as { text: string }).text,
      binary: async (bytes) => new Uint8Array((await sent(bytes.slice().buffer)) as ArrayBuffer),
      close: () => realtime.disconnect()
    }
  }
}
