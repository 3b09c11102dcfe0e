// What a peer in JavaScript sees of a plain one (plain_peer.py, plain_peer.mjs); test_rpc_plain_peers.py has the same in Python.

export async function plainScenario(peer, RpcError) {
  await peer.opened
  peer.match((data) => data.q + 1)
  const all = collected
  const code = (promise) =>
    promise.then(
      () => 'nothing failed',
      (error) => [error.code, error.message]
    )
  const results = { extended: peer.extended }
  const [counting, counted] = peer.receiveStream()
  await peer.request({ do: 'count', to: 1000, id: counting })
  results.counted = (await all(counted)).reduce((sum, item) => sum + item, 0)
  const [failing, failed] = peer.receiveStream()
  await peer.request({ do: 'fail', id: failing })
  const reader = failed.getReader()
  results.failed = [(await reader.read()).value, await code(reader.read())]
  const sent = peer.sendStream(numbers(1000), 'up')
  const [items, error] = await peer.request({ do: 'received', id: 'up' })
  results.sent = [await sent, items.length, items.at(-1), error]
  const broken = code(peer.sendStream(breaking(RpcError), 'broken'))
  results.broken = [...(await peer.request({ do: 'received', id: 'broken' })), (await broken)[0]]
  results.denied = await code(peer.request({ do: 'deny' }))
  results.unanswered = (await code(peer.request({ do: 'silence' }, { timeout: 50 })))[0]
  results.asked = await peer.request({ do: 'ask' })
  results.ping = await peer.request({ do: 'ping' })
  peer.send({ do: 'tell', text: 'something' })
  results.there = await peer.request({ do: 'report' })
  results.counts = [peer.counts.outgoing, peer.counts.incoming, peer.counts.requests]
  await peer.close()
  return results
}

async function collected(items) {
  const found = []
  for await (const item of items) found.push(item)
  return found
}

async function* numbers(to) {
  for (let number = 0; number < to; number++) yield number
}

async function* breaking(RpcError) {
  yield 'first'
  throw new RpcError('QUOTA', 'No more')
}
