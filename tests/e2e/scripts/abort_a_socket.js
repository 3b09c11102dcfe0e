// What a WebSocketStream fails with that is aborted before its server answers.
export default ({ url, later }) => {
  const aborter = new AbortController()
  const abort = () => aborter.abort('mine')
  if (later) setTimeout(abort)
  else abort()
  return streamFailure(url, { signal: aborter.signal })
}
