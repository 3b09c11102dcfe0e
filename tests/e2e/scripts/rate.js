export default async ({ url, count }) => {
  const began = performance.now()
  const response = await longwire.fetch(url)
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += chunk.length
    if (bytes >= count) break
  }
  return performance.now() - began
}
