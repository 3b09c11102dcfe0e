// All that the extension's worker keeps of streams over its own end, as text: pieces are packed.
export default async () => {
  const stored = await chrome.storage.session.get(null)
  const texts = await Promise.all(
    Object.values(stored).map((value) => {
      if (typeof value !== 'string') return JSON.stringify(value)
      const packed = new Blob([Uint8Array.fromBase64(value)])
      return new Response(packed.stream().pipeThrough(new DecompressionStream('gzip'))).text()
    })
  )
  return texts.join('\n')
}
