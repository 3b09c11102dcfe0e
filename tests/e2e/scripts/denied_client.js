export default async ([module, base, key]) => {
  const { client } = await import(`/clients/${module}.js`)
  let calls = 0
  const fetch = (...given) => {
    calls += 1
    return longwire.fetch(...given)
  }
  const signal = new AbortController().signal
  const error = await client.stream({ fetch, base, key, signal, retries: 1, show: () => {} }).catch((error) => error)
  const { code, category, retryable, phase, message } = error.cause
  const cause = { code, category, retryable, phase, message }
  return { class: error.constructor.name, message: error.message, cause, calls }
}
