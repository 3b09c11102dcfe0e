export default async ({ url, count }) => {
  const response = await longwire.fetch(url)
  window.reader = response.body.getReader()
  window.digest = new BlockDigest()
  await readInto(digest, reader, count)
}
