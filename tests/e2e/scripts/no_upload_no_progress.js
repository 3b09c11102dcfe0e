export default async (url) => {
  const told = []
  const longwireOptions = { onUploadProgress: (progress) => told.push(progress) }
  await longwire.fetch(url, { longwire: longwireOptions })
  await longwire.fetch(url, { method: 'POST', body: '', longwire: longwireOptions })
  return told
}
