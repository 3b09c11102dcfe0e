export default (url) => {
  window.seen = []
  window.reading = (async () => {
    const response = await longwire.fetch(url, { method: 'POST', body: '{"stream":true}' })
    window.type = response.headers.get('content-type')
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) seen.push(text)
    return 'end'
  })()
}
