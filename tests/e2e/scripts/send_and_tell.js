export default async ({ url, body, size }) => {
  const told = []
  const bytes = new Uint8Array(size).fill(7)
  const bodies = {
    bytes: () => bytes,
    text: () => 'x'.repeat(size),
    blob: () => new Blob([bytes]),
    stream: () => new Blob([bytes]).stream(),
    request: () => undefined
  }
  const init = { method: 'POST', duplex: 'half', longwire: { onUploadProgress: (progress) => told.push(progress) } }
  const input = body === 'request' ? new Request(url, { method: 'POST', body: bytes }) : url
  const response = await longwire.fetch(input, { ...init, body: bodies[body]() })
  const before = told.length
  return { arrived: (await response.json()).bytes, told, late: told.length - before }
}
