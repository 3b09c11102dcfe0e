import { stream } from 'longwire'
import { statusIn } from './status.js'

const text = document.querySelector('#answer')
const answer = stream('https://api.example.com/v1/chat/completions', {}, {
  fetch: longwire.fetch,
  body: { model: 'some-model', stream: true, messages: [{ role: 'user', content: 'Hello' }] },
  endEvent: true,
  eventTimeout: 120_000,
  batch: 'frame',
  onText: (added) => text.append(added),
  onStatus: statusIn(document.querySelector('#chat-status'))
})
document.querySelector('#stop').onclick = () => answer.cancel()
text.textContent = ''
await answer.readToCompletion()
