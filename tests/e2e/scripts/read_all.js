export default async (url) => {
  const began = performance.now()
  const response = await longwire.fetch(url)
  let bytes = 0
  for await (const chunk of response.body) bytes += chunk.length
  return { bytes, milliseconds: performance.now() - began }
}
