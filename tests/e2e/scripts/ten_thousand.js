export default async () => {
  const since = heard.length
  const first = start().id + 1
  for (let n = 0; n < 5000; n++) {
    relay.postMessage(start({ headers: n % 2 ? [] : [['a b', '']] }))
    relay.postMessage({ type: 'STREAM_ABORT', id: first + n, reason: 'signal' })
  }
  await terminal(first + 4999)
  await exchange()
  const isEnd = ({ type, id }) => type.match(/END|ERROR|ABORTED/) && id < first + 5000
  const ends = heard.slice(since).filter(isEnd)
  return { ends: ends.length, ids: new Set(ends.map(({ id }) => id)).size }
}
