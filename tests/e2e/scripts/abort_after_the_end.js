export default async (url) => {
  const aborter = new AbortController()
  const bytes = await (await longwire.fetch(url, aborter)).bytes()
  aborter.abort()
  return bytes.length
}
