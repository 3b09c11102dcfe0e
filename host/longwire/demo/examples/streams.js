import { connect } from 'longwire/rpc'

const peer = connect('wss://api.example.com/v1/streams', { WebSocket: longwire.WebSocket, retry: false })
await peer.opened

async function ask(name) {
  const bar = document.querySelector(`#${name}-bar`)
  const [id, items] = peer.receiveStream()
  bar.max = await peer.request({ do: 'count', id })
  return { id, items, bar }
}

async function readAll(name) {
  const { items, bar } = await ask(name)
  for await (const { number } of items) bar.value = number
  return true
}

const slow = await ask('slow')
const others = Promise.all(['first', 'second', 'third'].map(readAll))
let read = 0
for await (const { number } of slow.items) {
  read = slow.bar.value = number
  const pause = new Promise((over) => setTimeout(over, 100))
  if (await Promise.race([others, pause])) break
}
const sent = await peer.request({ do: 'sent', id: slow.id })
document.querySelector('#streams-status').textContent = `three are whole; of the slow one ${read} read, ${sent} sent`
peer.close()
