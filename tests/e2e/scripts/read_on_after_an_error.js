export default async (url) => {
  const reader = (await longwire.fetch(url)).body.getReader()
  let text = ''
  const read = async () => {
    for (let piece; !(piece = await reader.read()).done; ) text += new TextDecoder().decode(piece.value)
  }
  return { first: await outcome(read()), second: await outcome(read()), text }
}
