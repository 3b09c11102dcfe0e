const saved = {
  stream: new Blob(['streamed']).stream(),
  blob: new Blob(['blob']),
  form: new FormData(),
  headers: new Headers([['x-a', '1']]),
  bytes: new Uint8Array(600000),
  controller: new AbortController(),
  progress: 0,
  end: null
}
saved.form.append('a', '1')
const record = (own) => Object.setPrototypeOf(own, null)
const inits = {
  text: record({ method: 'POST', body: 'text', headers: record({ 'x-a': '1' }) }),
  bytes: record({
    method: 'POST',
    body: saved.bytes,
    longwire: record({
      headerTimeout: 5000,
      onUploadProgress(progress) {
        saved.progress = progress.sent
      },
      onEnd(end) {
        saved.end = end
      }
    })
  }),
  stream: record({ method: 'POST', body: saved.stream, duplex: 'half' }),
  blob: record({ method: 'POST', body: saved.blob }),
  form: record({ method: 'POST', body: saved.form, headers: saved.headers }),
  aborted: record({ signal: saved.controller.signal }),
  integrity: record({ integrity: 'INTEGRITY' }),
  manual: record({ redirect: 'manual' }),
  cache: record({ cache: 'no-store' }),
  patched: record({}),
  failing: record({
    method: 'POST',
    duplex: 'half',
    body: new ReadableStream({
      start(own) {
        own.error('mine')
      }
    })
  })
}
const targets = { aborted: 'fault/silent', integrity: 'c/raw?head=HEAD&body=BODY', manual: 'redirect?to=%2Fecho' }
const setTimer = setTimeout
const run = (name) => {
  const url = 'ROOT' + (targets[name] ?? 'echo')
  pollute()
  const call = name === 'patched' ? (longwire.patch(), window.fetch) : longwire.fetch
  const promise = call(url, inits[name])
  if (name === 'aborted') saved.controller.abort('mine')
  reflectApply(then, promise, [
    (response) => {
      const { type, status } = response
      reflectApply(then, reflectApply(textOf, response, []), [
        (text) => tell({ type, status, text, progress: saved.progress, end: saved.end }),
        (error) => tell('body failed ' + error)
      ])
    },
    (error) => {
      const typed = typeof error === 'object'
      tell({ rejected: typed ? error.code : error, retryable: typed && error.retryable })
    }
  ])
}
run(location.search.slice(1))
