export default async (url) => {
  // The page's own clock stands still, so that only the host's can be what ends it.
  window.setTimeout = () => 0
  const options = { fetch: longwire.fetch, headerTimeout: 300, retry: false }
  const { code, message } = await client
    .stream(url, {}, options)
    .readToCompletion()
    .catch((error) => error)
  return { code, message }
}
