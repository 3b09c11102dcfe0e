export default async () => {
  const id = await uploading()
  const data = new Uint8Array(65536)
  for (let n = 0; n < 500; n++) relay.postMessage({ type: 'STREAM_BODY', id, offset: n * 65536, data })
  return terminal(id)
}
