export default (url) =>
  new Promise((resolve) => {
    const options = { fetch: longwire.fetch, headers: { 'X-Own': '1' }, body: 'query' }
    const source = new client.EventSource(url, options)
    const seen = []
    source.onopen = () => seen.push('open')
    source.addEventListener('tick', ({ data, lastEventId }) => seen.push(`${data} ${lastEventId}`))
    source.onerror = ({ error }) => {
      seen.push(`${error.code} ${source.readyState}`)
      if (source.readyState === client.EventSource.CLOSED) resolve(seen)
    }
  })
