export default async (url) => {
  let cancelled = 'no'
  const body = new ReadableStream({
    cancel: (reason) => {
      cancelled = reason
    }
  })
  const signal = AbortSignal.abort('reason')
  const error = await longwire.fetch(url, { method: 'POST', body, duplex: 'half', signal }).catch((e) => e)
  return [error, cancelled]
}
