export default async (url) => {
  let sent = 0,
    ended
  const over = new Promise((resolve) => {
    ended = resolve
  })
  async function* endless() {
    try {
      for (;;) {
        sent += 1
        if (sent === 50) reading.cancel()
        yield 'x'.repeat(1000)
      }
    } finally {
      ended('ended')
    }
  }
  const reading = client.stream(url, { method: 'POST', body: endless() }, { fetch: longwire.fetch })
  const { cancelled } = await reading.readToCompletion()
  return [cancelled, await over]
}
