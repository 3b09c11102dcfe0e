export default async (url) => {
  longwire.patch()
  const bytes = new Uint8Array([97, 98])
  const request = new Request(url, { method: 'POST', body: 'request' })
  const asked = [fetch(url, { method: 'POST', body: bytes }), fetch(request)]
  bytes.fill(120)
  const used = request.bodyUsed
  const lengths = []
  for (const each of asked) lengths.push((await (await each).json()).sha256)
  return { used, lengths }
}
