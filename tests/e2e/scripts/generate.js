// A generation, whose text is shown as it comes: what the page has of it in the end is `window.generated`.
export default ({ request, options = {} }) => {
  const answer = longwire.generate(request, options)
  window.answer = answer
  const events = []
  const run = async () => {
    for await (const { type, data, text } of answer) {
      events.push({ type, data, text })
      document.body.textContent = answer.text
    }
  }
  const outcome = () => ({ events, text: answer.text, state: answer.status.state })
  window.generated = run().then(outcome, ({ name, code, category, retryable, retryAfter, message }) => {
    return { ...outcome(), error: { name, code, category, retryable, retryAfter, message } }
  })
}
