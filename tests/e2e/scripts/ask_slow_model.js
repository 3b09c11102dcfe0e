export default async ([base, timeouts, retries]) => {
  const { client } = await import('/clients/openai-chat.js')
  const undo = timeouts === null ? () => {} : longwire.patch({ timeouts })
  const task = {
    fetch: timeouts === null ? longwire.fetch : (...given) => fetch(...given),
    base,
    key: 'none',
    signal: new AbortController().signal,
    retries,
    show: () => {}
  }
  try {
    return (await client.whole(task)).completion.choices[0].message.content
  } catch (error) {
    return [error.constructor.name, error.cause?.code, error.cause?.message]
  } finally {
    undo()
  }
}
