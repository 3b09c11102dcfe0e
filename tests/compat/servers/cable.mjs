// Action Cable's `actioncable-v1-json`, as the Rails guides have it: https://guides.rubyonrails.org/action_cable_overview.html

/** As often as Rails does. */
const PING_EVERY_MS = 3000

export function serveCable(socket) {
  const send = (value) => socket.send(JSON.stringify(value))
  send({ type: 'welcome' })
  const pings = setInterval(() => send({ type: 'ping', message: Math.floor(Date.now() / 1000) }), PING_EVERY_MS)
  socket.on('close', () => clearInterval(pings))
  socket.on('message', (text) => {
    const { command, identifier, data } = JSON.parse(text)
    if (command === 'subscribe') send({ type: 'confirm_subscription', identifier })
    else if (command === 'message') send({ identifier, message: JSON.parse(data) })
  })
}
