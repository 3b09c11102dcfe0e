// A tab of the soak. Orders come from its own server one at a time; each runs beside the others and reports by itself.

const TAB = new URLSearchParams(location.search).get('tab')
const BLOCK = 1 << 20
const TEXT_KEPT = 1 << 16
// A page that is being left still runs for a moment, and its own requests fail: that says nothing about the streams.
let leaving = false

// SHA-256 over the chain of blocks of 1 MiB: link = SHA-256(link before, SHA-256(block)). Constant memory for any length;
// `servers.Chain` is the same in Python.
class Chain {
  constructor() {
    this.block = new Uint8Array(BLOCK)
    this.fill = 0
    this.total = 0
    this.link = new Uint8Array(32)
  }
  async add(bytes) {
    this.total += bytes.length
    for (let start = 0; start < bytes.length; ) {
      const part = bytes.subarray(start, start + BLOCK - this.fill)
      this.block.set(part, this.fill)
      this.fill += part.length
      start += part.length
      if (this.fill === BLOCK) await this.flush()
    }
  }
  async flush() {
    const pair = new Uint8Array(64)
    pair.set(this.link)
    pair.set(new Uint8Array(await crypto.subtle.digest('SHA-256', this.block.subarray(0, this.fill))), 32)
    this.link = new Uint8Array(await crypto.subtle.digest('SHA-256', pair))
    this.fill = 0
  }
  async finish() {
    if (this.fill > 0) await this.flush()
    return Array.from(this.link, (byte) => byte.toString(16).padStart(2, '0')).join('')
  }
}

const post = (path, value) => fetch(`${path}?tab=${TAB}`, { method: 'POST', body: JSON.stringify(value) })

// Until as many bytes may have been read as the pace allows by now. The server's clock ticks: a hidden page's does not.
async function keepPace(began, bytes, perSecond) {
  while (bytes > ((performance.now() - began) / 1000) * perSecond) await fetch('/tick')
}

// `size` random bytes, digested as they go.
function randomBytes(size, chain) {
  let left = size
  return new ReadableStream({
    async pull(controller) {
      const piece = crypto.getRandomValues(new Uint8Array(Math.min(left, 65536)))
      left -= piece.length
      await chain.add(piece)
      controller.enqueue(piece)
      if (left === 0) controller.close()
    },
  })
}

async function requestInit(order, sent) {
  const init = { method: order.method ?? 'GET' }
  if (order.upload === undefined) return init
  const bytes = randomBytes(order.size, sent)
  if (order.upload === 'stream') return { ...init, duplex: 'half', body: bytes }
  return { ...init, body: await new Response(bytes).blob() }
}

// Ask, read to the end or to where the order gives up, and say how it was.
async function run(order) {
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1000
  const [sent, got] = [new Chain(), new Chain()]
  const aborter = new AbortController()
  const report = { id: order.id, where: 'headers', text: '' }
  try {
    const init = await requestInit(order, sent)
    if (order.abortAfterMs !== undefined) {
      post('/wait', { ms: order.abortAfterMs }).finally(() => aborter.abort())
    }
    const response = await longwire.fetch(order.url, { ...init, signal: aborter.signal })
    Object.assign(report, { where: 'body', status: response.status, headersAfterS: seconds() })
    const decoder = new TextDecoder()
    for await (const bytes of response.body) {
      await got.add(bytes)
      if (order.text && report.text.length < TEXT_KEPT) report.text += decoder.decode(bytes, { stream: true })
      if (order.abortAfterBytes !== undefined && got.total >= order.abortAfterBytes) aborter.abort()
      if (order.cancelAfterBytes !== undefined && got.total >= order.cancelAfterBytes) {
        report.where = 'cancelled'
        break
      }
      if (order.perSecond) await keepPace(began, got.total, order.perSecond)
    }
    if (report.where === 'body') report.where = 'done'
  } catch (error) {
    report.error = { name: error?.name, code: error?.code, message: String(error?.message).slice(0, 500) }
  }
  if (leaving) return
  Object.assign(report, { bytes: got.total, sentBytes: sent.total, seconds: seconds() })
  report.digest = await got.finish()
  report.sentDigest = await sent.finish()
  await post('/report', report)
}

async function obey() {
  await post('/hello', { visible: document.visibilityState })
  for (;;) {
    const order = await (await fetch(`/order?tab=${TAB}`)).json()
    if (order.reload) {
      leaving = true
      return location.reload()
    }
    if (order.open) window.open(order.open, '_blank', 'noopener')
    else run(order)
  }
}

// The extension may load later than the first page.
if (typeof longwire === 'object') obey()
else setTimeout(() => location.reload(), 300)
