export default async ({ url, end }) => {
  let returned
  const over = new Promise((resolve) => {
    returned = resolve
  })
  const aborter = new AbortController()
  async function* endless() {
    try {
      for (;;) yield new Uint8Array(1000)
    } finally {
      returned()
    }
  }
  const asked = longwire.fetch(url, { method: 'POST', body: endless(), signal: aborter.signal })
  const answer = outcome(asked.then(async (response) => [response.status, await response.text()]))
  if (end === 'abort') aborter.abort(new RangeError('mine'))
  const { value, error } = await answer
  const started = performance.now()
  await over
  return { value, name: error?.name, seconds: (performance.now() - started) / 1000 }
}
