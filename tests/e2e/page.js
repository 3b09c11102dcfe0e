// Helpers that test pages share. Everything they return survives `page.evaluate`.

// One failure as plain data.
function describeError(error) {
  return {
    name: error?.name,
    message: error?.message,
    code: error?.code,
    category: error?.category,
    phase: error?.phase,
    retryable: error?.retryable,
    typeError: error instanceof TypeError
  }
}

// The outcome of a promise as plain data.
async function outcome(promise) {
  try {
    return { value: await promise }
  } catch (error) {
    return { error: describeError(error) }
  }
}

// Fetch and read everything: { status, text } or where it failed.
async function fetchText(url, init) {
  let response
  try {
    response = await longwire.fetch(url, init)
  } catch (error) {
    return { where: 'headers', error: describeError(error) }
  }
  try {
    return { where: 'done', status: response.status, text: await response.text() }
  } catch (error) {
    return { where: 'body', status: response.status, error: describeError(error) }
  }
}

function hex(buffer) {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

// Digest of any amount of bytes in constant memory: SHA-256 over the SHA-256 of each block of 1 MiB.
class BlockDigest {
  constructor() {
    this.block = new Uint8Array(1 << 20)
    this.fill = 0
    this.total = 0
    this.digests = []
  }
  async add(bytes) {
    this.total += bytes.length
    for (let start = 0; start < bytes.length; ) {
      const part = bytes.subarray(start, start + this.block.length - this.fill)
      this.block.set(part, this.fill)
      this.fill += part.length
      start += part.length
      if (this.fill === this.block.length) await this.flush()
    }
  }
  async flush() {
    this.digests.push(new Uint8Array(await crypto.subtle.digest('SHA-256', this.block.subarray(0, this.fill))))
    this.fill = 0
  }
  async finish() {
    if (this.fill > 0) await this.flush()
    return hex(await crypto.subtle.digest('SHA-256', await new Blob(this.digests).arrayBuffer()))
  }
}

// Read `count` bytes or more (all by default) into `digest`.
async function readInto(digest, reader, count = Infinity) {
  while (digest.total < count) {
    const { done, value } = await reader.read()
    if (done) return true
    await digest.add(value)
  }
  return false
}

// Fetch and read in the background. What is returned, and kept as `held`, tells at any time how far it came; `over`
// resolves with it when it is at its end, well or not.
function hold(url, init) {
  const aborter = new AbortController()
  const hold = { status: undefined, text: '', where: 'headers', error: undefined, abort: () => aborter.abort() }
  const read = async () => {
    try {
      const response = await longwire.fetch(url, { signal: aborter.signal, ...init })
      Object.assign(hold, { status: response.status, where: 'body' })
      for await (const text of response.body.pipeThrough(new TextDecoderStream())) hold.text += text
      hold.where = 'done'
    } catch (error) {
      hold.error = describeError(error)
    }
    const { status, text, where, error } = hold
    return { status, text, where, error }
  }
  hold.over = read()
  window.held = hold
  return hold
}
