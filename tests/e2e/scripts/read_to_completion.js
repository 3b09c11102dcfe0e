export default async ({ url, init, options }) => {
  const reading = READER
  const error = await reading.readToCompletion().then(
    () => null,
    (error) => error
  )
  const { name, code, category, retryable, cause } = error ?? {}
  return { name, code, category, retryable, cause: cause?.code, text: reading.text, events: reading.eventsReceived }
}
