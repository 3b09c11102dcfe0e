// So many ended streams where the extension's worker finds them when it starts, packed as it packs them itself.
export default async ({ count, piece }) => {
  const began = Date.now() - count * 50
  const record = (i) => ({
    id: began * 1000 + i,
    page: `https://app${i % 7}.example.com`,
    principal: 'page',
    tab: i % 5,
    kind: 'http',
    method: i % 3 ? 'GET' : 'POST',
    url: `https://api${i % 11}.example.com/v1/things/${i}?page=${i * 7}`,
    startedAt: began + i * 50,
    state: 'ended',
    bodySent: true,
    status: i % 13 ? 200 : 503,
    mime: 'application/json',
    grant: `grant${i % 3}`,
    received: (i * 7919) % 1_000_000,
    consumed: (i * 7919) % 1_000_000,
    sent: 0,
    taken: 0,
    window: 32_768,
    chunks: 1 + (i % 40),
    gaps: 0,
    longestGap: 3,
    lastByteAt: 40 + (i % 900),
    headersAt: 10 + (i % 200),
    firstByteAt: 20 + (i % 200),
    endedAt: 45 + (i % 900),
    ending: { how: 'end', completeness: 'length', timings: { total_ms: 40 + (i % 900) } }
  })
  for (let first = 0; first < count; first += piece) {
    const records = Array.from({ length: Math.min(piece, count - first) }, (_, i) => record(first + i))
    const packed = new Blob([JSON.stringify(records)]).stream().pipeThrough(new CompressionStream('gzip'))
    const text = new Uint8Array(await new Response(packed).arrayBuffer()).toBase64()
    await chrome.storage.session.set({ [`streams.ended.${first / piece}`]: text })
  }
}
