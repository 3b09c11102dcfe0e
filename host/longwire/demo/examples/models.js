async function ask(provider) {
  const [text, status] = ['text', 'status'].map((part) => document.querySelector(`#${provider}-${part}`))
  const answer = longwire.generate(
    { provider, messages: [{ role: 'user', content: 'Why is the sky blue?' }] },
    { batch: 'frame', onText: (added) => text.append(added) }
  )
  document.querySelector('#stop-models').addEventListener('click', () => answer.cancel())
  text.textContent = ''
  for await (const { type, data } of answer) {
    if (type === 'status') status.textContent = data.message
    if (type === 'complete') {
      status.textContent = `${data.model}: ${data.usage.outputTokens} tokens in ${data.timings.total} ms`
    }
  }
  if (answer.status.state === 'cancelled') status.textContent = 'cancelled'
}

await Promise.all([ask('quick'), ask('careful')])
