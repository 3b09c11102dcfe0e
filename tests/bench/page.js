// What the bench's page runs. `FRAME` is the address of the extension-only peer's frame.
const lanes = new Map()

function frameOf(address) {
  return new Promise((resolve) => {
    const frame = document.createElement('iframe')
    frame.style.display = 'none'
    frame.addEventListener('load', () => resolve(frame.contentWindow), { once: true })
    frame.src = address
    document.documentElement.append(frame)
  })
}

async function openLane(form) {
  const { port1, port2 } = new MessageChannel()
  if (form === 'worker-port') window.postMessage(form, location.origin, [port2])
  else (await frameOf('FRAME')).postMessage(form === 'offscreen-lane' ? 'offscreen' : 'worker', '*', [port2])
  const streams = new Map()
  port1.onmessage = ({ data }) => streams.get(data.id)?.(data)
  return { port: port1, streams, next: 1 }
}

// `fetch` of one form of the extension-only peer. Only what is measured: a GET, its status and its body.
function extensionFetch(form) {
  return async (url) => {
    if (!lanes.has(form)) lanes.set(form, openLane(form))
    const lane = await lanes.get(form)
    const id = lane.next++
    return new Promise((resolve, reject) => {
      let controller
      let consumed = 0
      const body = new ReadableStream(
        {
          start(given) {
            controller = given
          },
          cancel() {
            lane.port.postMessage({ id, abort: true })
          }
        },
        { highWaterMark: 0 }
      )
      const told = (bytes) => {
        const before = consumed
        consumed += bytes
        if (Math.floor(consumed / (1 << 20)) > Math.floor(before / (1 << 20))) lane.port.postMessage({ id, consumed })
      }
      lane.streams.set(id, ({ head, bytes, end, error }) => {
        if (head) return resolve({ status: head.status, body: counted(body, told) })
        if (bytes) return controller.enqueue(bytes)
        lane.streams.delete(id)
        if (end) return controller.close()
        const failure = new TypeError(error)
        reject(failure)
        controller.error(failure)
      })
      lane.port.postMessage({ id, url: new URL(url, location.href).href })
    })
  }
}

// A body that says how much was taken out of it, as far as the benchmark reads: by a reader or a loop.
function counted(body, told) {
  return {
    getReader() {
      const reader = body.getReader()
      return {
        async read() {
          const step = await reader.read()
          if (!step.done) told(step.value.length)
          return step
        },
        cancel: (reason) => reader.cancel(reason)
      }
    }
  }
}

const FETCHES = {
  browser: (url, init) => fetch(url, init),
  longwire: (url, init) => longwire.fetch(url, init),
  'worker-port': extensionFetch('worker-port'),
  'worker-lane': extensionFetch('worker-lane'),
  'offscreen-lane': extensionFetch('offscreen-lane')
}

// Read a body to its end: { bytes, milliseconds }.
async function readAll({ url, through }) {
  const began = performance.now()
  const reader = (await FETCHES[through](url)).body.getReader()
  let bytes = 0
  for (let step = await reader.read(); !step.done; step = await reader.read()) bytes += step.value.length
  return { bytes, milliseconds: performance.now() - began }
}

// Read an event stream to its end. Each event begins with its id, and ends its data with the server's clock in
// milliseconds: delays by it, and how long the whole took.
async function readEvents({ url, through }) {
  const began = performance.now()
  const reader = (await FETCHES[through](url)).body.getReader()
  const decoder = new TextDecoder()
  const delays = []
  let events = 0
  let rest = ''
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    const now = performance.timeOrigin + performance.now()
    const parts = (rest + decoder.decode(step.value, { stream: true })).split('\n\n')
    rest = parts.pop()
    for (const part of parts) {
      if (!part.startsWith(`id: ${events}\n`)) throw new Error(`event ${events} is ${part.slice(0, 40)}`)
      events += 1
      const at = part.lastIndexOf(' ')
      delays.push(now - Number(part.slice(at + 1)))
    }
  }
  return { events, delays, milliseconds: performance.now() - began }
}

// Milliseconds from the call to the response's head, one after another.
async function openOnes({ url, through, count }) {
  const milliseconds = []
  for (let number = 0; number < count; number += 1) {
    const began = performance.now()
    const reader = (await FETCHES[through](url)).body.getReader()
    milliseconds.push(performance.now() - began)
    while (!(await reader.read()).done);
  }
  return milliseconds
}

// Send that many random bytes. The server measures.
async function upload({ url, through, size }) {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, Math.min(size, at + 65536)))
  const response = await FETCHES[through](url, { method: 'POST', body: new Blob([bytes]) })
  return await response.json()
}

// Open `count` streams that go on, and count what each gets. `counts()` tells; `failures` has what went wrong.
function openMany({ url, count, through }) {
  const counts = new Array(count).fill(0)
  const failures = []
  window.counts = () => ({ counts: counts.slice(), failures })
  window.many = Array.from({ length: count }, async (_, number) => {
    try {
      const reader = (await FETCHES[through](`${url}${url.includes('?') ? '&' : '?'}stream=${number}`)).body.getReader()
      for (let step = await reader.read(); !step.done; step = await reader.read()) counts[number] += step.value.length
    } catch (error) {
      failures.push(String(error))
    }
  })
}

// Take all there is of a body, and go on.
function download({ url, through }) {
  window.downloaded = 0
  window.downloading = (async () => {
    const reader = (await FETCHES[through](url)).body.getReader()
    for (let step = await reader.read(); !step.done; step = await reader.read()) downloaded += step.value.length
  })()
  downloading.catch((error) => {
    window.downloadFailed = String(error)
  })
}
