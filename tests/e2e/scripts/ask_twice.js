export default async ([server, elsewhere]) => {
  const response = await longwire.fetch(server, { method: 'POST', body: 'Tell me a story.' })
  const text = await response.text()
  const refused = await longwire.fetch(elsewhere).then(
    () => 'an answer',
    (error) => error.code
  )
  return { text, elsewhere: refused }
}
