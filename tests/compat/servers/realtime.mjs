// OpenAI's realtime API, as far as text goes: https://platform.openai.com/docs/api-reference/realtime-server-events

const PIECE = 100_000

export function serveRealtime(socket) {
  let events = 0
  let text = ''
  const send = (type, more) => {
    events += 1
    socket.send(JSON.stringify({ type, event_id: `event_${events}`, ...more }))
  }
  send('session.created', { session: { type: 'realtime', model: 'gpt-realtime', output_modalities: ['text'] } })
  socket.on('message', (data) => {
    const { type, item } = JSON.parse(data)
    if (type === 'conversation.item.create') {
      text = item.content[0].text
      send('conversation.item.added', { item: { ...item, id: 'item_1', content: [] } })
    } else if (type === 'response.create') {
      const where = { response_id: 'resp_1', item_id: 'item_2', output_index: 0, content_index: 0 }
      for (let at = 0; at < text.length; at += PIECE) {
        send('response.output_text.delta', { ...where, delta: text.slice(at, at + PIECE) })
      }
      send('response.done', { response: { id: 'resp_1', status: 'completed' } })
    }
  })
}
