import OpenAI from 'openai'
import { OpenAIRealtimeWebSocket } from 'openai/realtime/websocket'
import { Count, type SocketClient } from '../session'

export const client: SocketClient = {
  reconnects: false,
  async open(task) {
    const changes = new Count()
    const baseURL = `${task.url.replace('wss:', 'https:')}/v1`
    const openai = new OpenAI({ baseURL, apiKey: 'the-host-knows-it', dangerouslyAllowBrowser: true })
    // It takes no class: what the page has when one is made.
    const undo = task.patch()
    const realtime = new OpenAIRealtimeWebSocket({ model: 'gpt-realtime', dangerouslyAllowBrowser: true }, openai)
    undo()
    realtime.on('event', ({ type }) => task.tell(type))
    realtime.socket.addEventListener('close', ({ code, reason, wasClean }) => {
      task.tell(['close', code, reason, wasClean])
      changes.mark()
    })
    await new Promise((created, failed) => {
      realtime.on('session.created', created)
      realtime.on('error', failed)
    })
    return {
      changes,
      async text(text) {
        let said = ''
        realtime.on('response.output_text.delta', ({ delta }) => {
          said += delta
        })
        realtime.send({
          type: 'conversation.item.create',
          item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] }
        })
        realtime.send({ type: 'response.create' })
        await realtime.emitted('response.done')
        return said
      },
      close() {
        realtime.close()
        return changes.until(1)
      }
    }
  }
}
