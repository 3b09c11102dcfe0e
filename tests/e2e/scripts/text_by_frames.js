export default async (url) => {
  let calls = 0,
    shown = ''
  const options = {
    fetch: longwire.fetch,
    batch: 'frame',
    onText: (added) => {
      calls += 1
      shown += added
    }
  }
  await client.stream(url, {}, options).readToCompletion()
  return [calls, shown]
}
