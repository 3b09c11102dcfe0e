// What a page does with durable requests, and what it can tell of it. Loaded beside page.js.

const initOf = (body) => (body === null ? {} : { method: 'POST', body })

// Longer than anything takes here: a test that waits for what does not come is to fail, and not to hang.
const PATIENCE_MS = 50_000

const inTime = (promise) =>
  Promise.race([promise, new Promise((_, reject) => setTimeout(reject, PATIENCE_MS, new Error('nothing came')))])

// Attach and read until there are `count` bytes, or all, with a pause behind each piece; the response stays open behind them.
async function attach({ url, key, body = null, from = 0, count = Infinity, text = false, pauseMs = 0 }) {
  const started = performance.now()
  const digest = new BlockDigest()
  const decoder = new TextDecoder()
  const read = { status: 0, bytes: 0, text: '', digest: '', firstByteMs: null, ended: false, error: null }
  try {
    const durable = from === 0 ? key : { key, from }
    const response = await inTime(longwire.fetch(url, { ...initOf(body), longwire: { durable } }))
    read.status = response.status
    const reader = response.body.getReader()
    // Not to be collected: it would be cancelled.
    window.kept = [...(window.kept ?? []), reader]
    while (digest.total < count) {
      const { done, value } = await inTime(reader.read())
      if (done) {
        read.ended = true
        break
      }
      read.firstByteMs ??= performance.now() - started
      if (text) read.text += decoder.decode(value, { stream: true })
      await digest.add(value)
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  } catch (error) {
    read.error = { ...describeError(error), first: error?.first }
  }
  return { ...read, bytes: digest.total, digest: await digest.finish() }
}

// Read on where the first `attach` of this page stopped; how many bytes that were.
async function rest() {
  for (let bytes = 0; ; ) {
    const { done, value } = await inTime(kept[0].read())
    if (done) return bytes
    bytes += value.length
  }
}

// Read on by the library until its end, whatever comes in between. What `followed` holds tells how far it came.
function follow({ url, key, body = null }) {
  const followed = { ids: [], attempts: 0, ended: false, error: null }
  const retry = { delay: 100, maxDelay: 100, retries: 300 }
  const onStatus = ({ state }) => {
    if (state === 'connecting') followed.attempts += 1
  }
  const read = async () => {
    try {
      for await (const { id } of longwire.stream(url, initOf(body), { durable: key, retry, onStatus })) {
        followed.ids.push(Number(id))
      }
      followed.ended = true
    } catch (error) {
      followed.error = describeError(error)
    }
  }
  window.followed = followed
  read()
}

// What `list()` gives, or its error.
const listed = () => outcome(longwire.durable.list())

// Whether `forget()` went well, or its error.
const forgotten = (key) => outcome(longwire.durable.forget(key).then((given) => given === undefined))

// Until `list()` gives none any more.
async function noneLeft() {
  while ((await longwire.durable.list()).length > 0) await new Promise((resolve) => setTimeout(resolve, 100))
}

// Until `list()` gives it in another state than that it runs.
async function over(key) {
  const runs = (entry) => entry.key === key && entry.state === 'running'
  while ((await longwire.durable.list()).some(runs)) await new Promise((resolve) => setTimeout(resolve, 100))
}

// Until `list()` gives it: then whoever asked for it reads it.
async function there(key) {
  const is = (entry) => entry.key === key
  while (!(await longwire.durable.list()).some(is)) await new Promise((resolve) => setTimeout(resolve, 20))
}

// What it resolves to, and how long it took.
async function timed(promise) {
  const started = performance.now()
  return { ...(await promise), ms: performance.now() - started }
}
