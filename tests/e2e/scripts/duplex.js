export default async (url) => {
  const texts = [],
    told = []
  let controller
  const body = new ReadableStream({
    start(given) {
      controller = given
    }
  })
  const longwireOptions = { onUploadProgress: ({ sent }) => told.push(sent) }
  const init = { method: 'POST', body, duplex: 'half', longwire: longwireOptions }
  const response = await longwire.fetch(url, init)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  texts.push((await reader.read()).value)
  for (let number = 0; number < 15; number++) {
    controller.enqueue(new TextEncoder().encode(`piece ${number}`))
    texts.push((await reader.read()).value)
  }
  const before = told.length
  controller.close()
  const { done } = await reader.read()
  return { status: response.status, texts, done, before, told }
}
