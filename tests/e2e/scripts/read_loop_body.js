export default async (url) => {
  window.text = ''
  const response = await longwire.fetch(url)
  void (async () => {
    for await (const bytes of BODY) text += new TextDecoder().decode(bytes)
    text += 'end'
  })()
}
