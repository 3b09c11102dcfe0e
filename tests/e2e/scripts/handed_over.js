export default async (url) => {
  const source = `onmessage = async ({ data }) => {
        let text = ''
        for await (const piece of data.pipeThrough(new TextDecoderStream())) {
            text += piece
            postMessage(text)
        }
        postMessage(null)
    }`
  const worker = new Worker(URL.createObjectURL(new Blob([source])))
  const { body } = await longwire.fetch(url)
  worker.postMessage(body, [body])
  window.seen = []
  worker.onmessage = ({ data }) => seen.push(data)
}
