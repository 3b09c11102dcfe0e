// The application that tests/unit/rpc/application.py is in Python: what a peer of it may ask for.

const bytes = (length) => Uint8Array.from({ length }, (_, index) => index % 256)

export function serve(peer, RpcError) {
  const closed = []
  async function* numbers(count, name) {
    try {
      for (let number = 0; number < count; number++) yield number
    } finally {
      closed.push(name)
    }
  }
  async function* failing() {
    yield 1
    throw new RpcError('QUOTA', 'No more', { name: 'QuotaError', retryable: true })
  }
  const asked = {
    count: ({ to, id }) => peer.sendStream(numbers(to, id), id, { batch: { items: 50, delay: 5 } }).id,
    endless: ({ id }) => peer.sendStream(numbers(Infinity, id), id).id,
    bytes: ({ length, id }) => peer.sendStream([bytes(length), bytes(3)], id).id,
    fail: ({ id }) => peer.sendStream(failing(), id).id,
    deny: () => {
      throw new RpcError('DENIED', 'Not you')
    },
    closed: () => closed,
    sum: async ({ id }) => {
      const [, stream] = peer.receiveStream(id)
      let sum = 0
      for await (const number of stream) sum += number
      return sum
    },
    first: async ({ id }) => {
      const [, stream] = peer.receiveStream(id)
      for await (const item of stream) return item
    }
  }
  peer.match((data) => (Object.hasOwn(asked, data.do) ? asked[data.do](data) : undefined))
}
