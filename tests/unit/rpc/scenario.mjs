// What a peer in JavaScript sees of that application, whatever it is written in; for Node and for a page.

async function all(stream) {
  const items = []
  for await (const item of stream) items.push(item)
  return items
}

const code = (promise) => promise.then(() => 'nothing failed', (error) => error.code)

export async function scenario(connect, url, options) {
  const peer = connect(url, options)
  await peer.opened
  const results = { extended: peer.extended }

  const ask = async (request, id) => {
    const [, stream] = peer.receiveStream(id)
    await peer.request({ ...request, id })
    return stream
  }
  results.counted = (await all(await ask({ do: 'count', to: 1000 }, 'count'))).reduce((a, b) => a + b)
  results.bytes = (await all(await ask({ do: 'bytes', length: 100_000 }, 'bytes'))).map((item) => item.length)
  const failed = (await ask({ do: 'fail' }, 'fail')).getReader()
  results.first = (await failed.read()).value
  results.failed = await failed.read().catch(({ name, message, code, retryable }) => [name, message, code, retryable])
  for await (const item of await ask({ do: 'endless' }, 'endless')) if (item === 500) break
  let ended = []
  while (!ended.includes('endless')) ended = await peer.request({ do: 'closed' })
  results.left = ended.includes('endless')
  results.denied = await code(peer.request({ do: 'deny' }))
  results.unanswered = await code(peer.request({ do: 'what' }))

  const summed = peer.request({ do: 'sum', id: 'sum' })
  results.sent = await peer.sendStream(Array(1000).keys(), 'sum')
  results.sum = await summed
  let returned = false
  async function* endless() {
    try {
      for (let number = 7; ; number++) yield number
    } finally {
      returned = true
    }
  }
  const sent = code(peer.sendStream(endless(), 'first'))
  results.taken = await peer.request({ do: 'first', id: 'first' })
  results.cancelled = await sent
  while (!returned) await new Promise((resolve) => setTimeout(resolve, 0))
  results.returned = returned

  // One that is not read, and one beside it that is.
  const slow = (await ask({ do: 'endless' }, 'slow')).getReader()
  await slow.read()
  results.beside = (await all(await ask({ do: 'count', to: 5000 }, 'beside'))).length
  await slow.cancel()
  while (!ended.includes('slow')) ended = await peer.request({ do: 'closed' })
  const { outgoing, incoming, requests } = peer.counts
  results.counts = [outgoing, incoming, requests]
  peer.close()
  results.end = (await peer.closed).code
  return results
}
