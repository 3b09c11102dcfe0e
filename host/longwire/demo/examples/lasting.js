import { stream } from 'longwire'
import { statusIn } from './status.js'

const text = document.querySelector('#lasting')
const answer = stream('https://api.example.com/v1/essays', {}, {
  durable: 'essay',
  body: { model: 'some-model', stream: true, messages: [{ role: 'user', content: 'At length, please' }] },
  endEvent: true,
  batch: 'frame',
  onText: (added) => text.append(added),
  onStatus: statusIn(document.querySelector('#lasting-status'))
})
document.querySelector('#forget').onclick = () => longwire.durable.forget('essay')
text.textContent = ''
await answer.readToCompletion()
