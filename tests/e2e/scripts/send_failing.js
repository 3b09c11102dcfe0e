export default (url) => {
  async function* failing() {
    yield 'one'
    throw new Error('the source failed')
  }
  const options = { fetch: longwire.fetch, retry: { delay: 1, resend: 'always' } }
  return client
    .stream(url, { method: 'POST', body: failing() }, options)
    .readToCompletion()
    .then(
      () => null,
      ({ code, category, cause }) => ({ code, category, cause: cause.cause.message })
    )
}
