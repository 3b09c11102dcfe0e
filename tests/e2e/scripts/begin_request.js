export default async ({ url, through, until, init }) => {
  const call = through === 'longwire' ? longwire.fetch : fetch
  window.aborter = new AbortController()
  const end = (promise) => {
    promise.catch(() => undefined)
    window.ending = () => promise
  }
  const asked = call(url, { signal: aborter.signal, ...init })
  if (until === 'asked') return end(asked)
  const response = await asked
  const read = async () => {
    for await (const _ of response.body);
  }
  if (until === 'reading') return end(read())
  const reader = response.body.getReader()
  await reader.read()
  if (until === 'waiting') return end(reader.read())
  window.ending = () => reader.read()
}
