import { stream } from 'longwire'
import { statusIn } from './status.js'

const entries = document.querySelector('#feed')
const feed = stream('https://api.example.com/v1/feed', {}, {
  fetch: longwire.fetch,
  resume: true,
  endEvent: true,
  idleTimeout: 60_000,
  onStatus: statusIn(document.querySelector('#feed-status'))
})
document.querySelector('#leave').onclick = () => feed.cancel()
entries.textContent = ''
for await (const { type, id, data } of feed) {
  if (type === 'message') entries.append(`${id} ${data}\n`)
}
