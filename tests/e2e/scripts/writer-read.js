// The writer reads the pull request of the page: `host` is Longwire's fetch, or one that no grant has.
export default async ({ kind, host, api, maxBytes, later }) => {
  const refused = () => Promise.reject(Object.assign(new TypeError('no grant'), { code: 'POLICY_DENIED' }))
  // Where a site's interface has a host name of its own, `api` stands for it.
  const hostFetch = (url, init) => longwire.fetch(api ? url.replace(/^https?:\/\/api\.[^/]+/, api) : url, init)
  const site = writer[kind]
  const reference = site.reference(new URL(location.href), document)
  window.reading = new AbortController()
  const options = {
    hostFetch: host ? hostFetch : refused,
    pageFetch: (url, init) => fetch(url, init),
    signal: window.reading.signal,
    maxBytes: maxBytes ?? 1_000_000
  }
  const told = ({ code, message, retryAfterMs }) => ({ code, text: message, retryAfterMs })
  window.read = writer.readPullRequest(site, reference, document, options).catch(told)
  return later ? null : window.read
}
