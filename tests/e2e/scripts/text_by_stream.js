export default (url) => {
  window.seen = ''
  const onText = (added) => {
    seen += added
  }
  const options = { fetch: longwire.fetch, resume: true, retry: { delay: 1, retries: 100 }, onText }
  client
    .stream(url, {}, options)
    .readToCompletion()
    .catch(() => {})
}
