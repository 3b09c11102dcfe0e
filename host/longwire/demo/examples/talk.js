const [said, form, words, status] = ['#said', '#say', '#words', '#talk-status'].map((id) => document.querySelector(id))
const show = (who, text) => said.append(`${who}: ${text}\n`)
said.textContent = ''
const socket = new longwire.WebSocketStream('wss://api.example.com/v1/talk')
document.querySelector('#hang-up').onclick = () => socket.close({ closeCode: 1000, reason: 'bye' })
const { readable, writable } = await socket.opened
const writer = writable.getWriter()
form.onsubmit = () => {
  show('page', words.value)
  writer.write(words.value)
  words.value = ''
}
for await (const text of readable) show('server', text)
const { closeCode, reason } = await socket.closed
status.textContent = `closed: ${closeCode} ${reason}`
