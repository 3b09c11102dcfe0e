export default async ({ root, kinds, calls }) => {
  const names = Object.keys(kinds)
  const results = []
  let next = 0
  // The host's own start is nothing of the network.
  while ((await longwire.status()).state === 'starting');
  const one = async (number) => {
    const kind = names[number % names.length]
    const { init, options } = kinds[kind]
    // What a page shows: never taken back.
    let shown = ''
    const reasons = []
    const reading = client.stream(`${root}flaky/${number}`, init, {
      fetch: longwire.fetch,
      retry: { retries: 4, delay: 10 },
      headerTimeout: 3000,
      idleTimeout: 1500,
      endEvent: true,
      onStatus: (status) => {
        if (status.state === 'waiting') reasons.push(status.reason.code)
      },
      ...options
    })
    let error = null
    try {
      for await (const event of reading) shown += event.text
    } catch (failure) {
      error = { code: failure.code, category: failure.category, cause: failure.cause?.code }
    }
    results[number] = { kind, shown, text: reading.text, error, reasons }
  }
  const worker = async () => {
    while (next < calls) await one(next++)
  }
  await Promise.all(Array.from({ length: 50 }, worker))
  return results
}
