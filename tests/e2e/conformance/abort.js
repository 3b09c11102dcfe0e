// Fetch standard, sections 4 ("terminated", "abort the fetch() call") and 5.6, with the DOM standard's AbortSignal.

chapter('abort')

const REASONS = {
  'no reason': [], 'undefined': [undefined], 'an error': [new RangeError('mine')], 'text': ['mine'], 'null': [null], 'an AbortError': [new DOMException('mine', 'AbortError')]
}
const outcomeOf = async (promise, signal) => {
  const error = await promise.then(() => 'not aborted', (error) => error)
  return [error === signal.reason, kindOf(error)]
}
const begin = async (t, aborter, until) => {
  const held = t.held()
  const asked = t.fetch(held.url, { signal: aborter.signal })
  if (until === 'at once') return { held, asked }
  await held.arrived()
  if (until === 'before headers') return { held, asked }
  await held.head()
  const response = await asked
  if (until === 'after headers') return { held, response }
  await held.chunk('first')
  const reader = response.body.getReader()
  await reader.read()
  return { held, response, reader }
}
for (const [name, reason] of Object.entries(REASONS)) {
  test(`before the call, with ${name}`, (t) => {
    const signal = AbortSignal.abort(...reason)
    return outcomeOf(t.fetch(t.inspectUrl(), { signal }), signal)
  })
  test(`before headers, with ${name}`, async (t) => {
    const aborter = new AbortController()
    const { held, asked } = await begin(t, aborter, 'before headers')
    aborter.abort(...reason)
    const seen = await outcomeOf(asked, aborter.signal)
    await held.gone()
    return seen
  })
  test(`in the same turn as the call, with ${name}`, async (t) => {
    const aborter = new AbortController()
    const { asked } = await begin(t, aborter, 'at once')
    aborter.abort(...reason)
    return outcomeOf(asked, aborter.signal)
  })
  test(`while reading, with ${name}`, async (t) => {
    const aborter = new AbortController()
    const { held, reader } = await begin(t, aborter, 'reading')
    const reading = reader.read()
    aborter.abort(...reason)
    const seen = [await outcomeOf(reading, aborter.signal), await outcomeOf(reader.closed, aborter.signal), await outcomeOf(reader.read(), aborter.signal)]
    await held.gone()
    return seen
  })
  test(`while text() waits, with ${name}`, async (t) => {
    const aborter = new AbortController()
    const { held, response } = await begin(t, aborter, 'after headers')
    const reading = response.text()
    aborter.abort(...reason)
    const seen = await outcomeOf(reading, aborter.signal)
    await held.gone()
    return [seen, response.bodyUsed]
  })
  test(`with the body untouched, with ${name}`, async (t) => {
    const aborter = new AbortController()
    const { held, response } = await begin(t, aborter, 'after headers')
    aborter.abort(...reason)
    await held.gone()
    return [response.bodyUsed, await outcomeOf(response.text(), aborter.signal), response.bodyUsed]
  })
}
for (const reader of ['json', 'arrayBuffer', 'bytes', 'blob', 'formData']) {
  test(`while ${reader}() waits`, async (t) => {
    const aborter = new AbortController()
    const { response } = await begin(t, aborter, 'after headers')
    const reading = response[reader]()
    aborter.abort(new RangeError('mine'))
    return outcomeOf(reading, aborter.signal)
  })
}
test('while for await waits', async (t) => {
  const aborter = new AbortController()
  const { response } = await begin(t, aborter, 'after headers')
  const reading = (async () => { for await (const _ of response.body); })()
  aborter.abort(new RangeError('mine'))
  return outcomeOf(reading, aborter.signal)
})
test('while pipeTo goes on', async (t) => {
  const aborter = new AbortController()
  const { response } = await begin(t, aborter, 'after headers')
  const piping = response.body.pipeTo(new WritableStream())
  aborter.abort(new RangeError('mine'))
  return outcomeOf(piping, aborter.signal)
})
test('while a BYOB read waits', async (t) => {
  const aborter = new AbortController()
  const { response } = await begin(t, aborter, 'after headers')
  const reading = response.body.getReader({ mode: 'byob' }).read(new Uint8Array(4))
  aborter.abort(new RangeError('mine'))
  return outcomeOf(reading, aborter.signal)
})
test('errors both branches of a tee', async (t) => {
  const aborter = new AbortController()
  const { response } = await begin(t, aborter, 'after headers')
  const [a, b] = response.body.tee()
  aborter.abort(new RangeError('mine'))
  return [await t.caught(() => a.getReader().read()), await t.caught(() => b.getReader().read())]
})
test('errors a clone', async (t) => {
  const aborter = new AbortController()
  const { response } = await begin(t, aborter, 'after headers')
  const clone = response.clone()
  aborter.abort(new RangeError('mine'))
  return [await outcomeOf(clone.text(), aborter.signal), await outcomeOf(response.text(), aborter.signal)]
})
test('bytes that wait are gone', async (t) => {
  const aborter = new AbortController()
  const { held, response } = await begin(t, aborter, 'after headers')
  const reader = response.body.getReader()
  await held.chunk('one')
  await reader.read()
  await held.chunk('two')
  await tick()
  aborter.abort()
  return t.caught(() => reader.read())
})
test('after the body was read changes nothing', async (t) => {
  const aborter = new AbortController()
  const response = await t.raw({ body: 'text' }, { signal: aborter.signal })
  const text = await response.text()
  aborter.abort()
  return [text, response.bodyUsed, await t.caught(() => response.text())]
})
test('after cancel changes nothing', async (t) => {
  const aborter = new AbortController()
  const { response } = await begin(t, aborter, 'after headers')
  await response.body.cancel()
  aborter.abort()
  return t.caught(() => response.body.getReader().read())
})
test('of a null-body response changes nothing', async (t) => {
  const aborter = new AbortController()
  const response = await t.fetch(t.wireUrl('HTTP/1.1 204 No\r\n\r\n'), { signal: aborter.signal })
  aborter.abort()
  return t.caught(() => response.text())
})
test('twice keeps the first reason', async (t) => {
  const aborter = new AbortController()
  const { asked } = await begin(t, aborter, 'before headers')
  aborter.abort(new RangeError('first'))
  aborter.abort(new SyntaxError('second'))
  return outcomeOf(asked, aborter.signal)
})
test('of one of two with the same signal ends both', async (t) => {
  const aborter = new AbortController()
  const first = await begin(t, aborter, 'before headers')
  const second = await begin(t, aborter, 'before headers')
  aborter.abort()
  return [await outcomeOf(first.asked, aborter.signal), await outcomeOf(second.asked, aborter.signal)]
})
test('through a Request\'s signal', async (t) => {
  const aborter = new AbortController()
  const held = t.held()
  const asked = t.fetch(new Request(held.url, { signal: aborter.signal }))
  await held.arrived()
  aborter.abort(new RangeError('mine'))
  return outcomeOf(asked, aborter.signal)
})
test('of a Request\'s signal that init replaced changes nothing', async (t) => {
  const aborter = new AbortController()
  const held = t.held()
  const asked = t.fetch(new Request(held.url, { signal: aborter.signal }), { signal: new AbortController().signal })
  await held.arrived()
  aborter.abort()
  await held.head()
  return (await asked).status
})
test('through AbortSignal.any', async (t) => {
  const [a, b] = [new AbortController(), new AbortController()]
  const signal = AbortSignal.any([a.signal, b.signal])
  const held = t.held()
  const asked = t.fetch(held.url, { signal })
  await held.arrived()
  b.abort(new RangeError('mine'))
  return outcomeOf(asked, signal)
})
test('through AbortSignal.timeout', async (t) => {
  const signal = AbortSignal.timeout(1)
  return outcomeOf(t.fetch(t.held().url, { signal }), signal)
})
test('order of the page\'s listeners and the rejection', async (t) => {
  const aborter = new AbortController()
  const { asked } = await begin(t, aborter, 'before headers')
  const order = []
  aborter.signal.addEventListener('abort', () => order.push('listener'))
  const ended = asked.catch(() => order.push('rejected'))
  aborter.abort()
  order.push('returned')
  await ended
  return order
})
alone('a listener that throws changes nothing', async (t) => {
  const aborter = new AbortController()
  const { asked } = await begin(t, aborter, 'before headers')
  const ignore = (event) => event.preventDefault()
  addEventListener('error', ignore)
  t.later(() => removeEventListener('error', ignore))
  aborter.signal.addEventListener('abort', () => { throw new Error('of the listener') })
  aborter.abort()
  return outcomeOf(asked, aborter.signal)
})
test('an aborted signal sends nothing', async (t) => {
  const held = t.held()
  await t.caught(() => t.fetch(held.url, { signal: AbortSignal.abort() }))
  return Promise.race([held.arrived().then(() => 'arrived'), t.inspect({}).then(() => 'not arrived')])
})
test('an aborted signal beside bad arguments', (t) => t.caught(() => t.fetch('http://[', { signal: AbortSignal.abort(new RangeError('mine')) })))
test('an aborted signal cancels a stream body', async (t) => {
  let reason = 'not cancelled'
  const body = new ReadableStream({ cancel: (given) => { reason = kindOf(given) } })
  const seen = await t.caught(() => t.fetch(t.inspectUrl(), { method: 'POST', body, duplex: 'half', signal: AbortSignal.abort(new RangeError('mine')) }))
  await tick()
  return [seen, reason]
})
test('an aborted signal and a Request: the body is used', async (t) => {
  const request = new Request(t.inspectUrl(), { method: 'POST', body: 'x' })
  return [await t.caught(() => t.fetch(request, { signal: AbortSignal.abort() })), request.bodyUsed]
})
for (const until of ['before headers', 'after headers']) {
  alone(`nothing is unheard of, aborted ${until} and dropped`, async (t) => {
    const aborter = new AbortController()
    const { held, asked } = await begin(t, aborter, until)
    asked?.catch(() => undefined)
    aborter.abort()
    await held.gone()
    await tick()
  })
}
alone('an unheard abort is reported once', async (t) => {
  const aborter = new AbortController()
  await begin(t, aborter, 'at once')
  aborter.abort()
  await tick()
})
alone('a read that nobody waits for is reported once', async (t) => {
  const aborter = new AbortController()
  const { reader } = await begin(t, aborter, 'reading')
  reader.closed.catch(() => undefined)
  reader.read()
  aborter.abort()
  await tick()
})
test('during an upload', async (t) => {
  const aborter = new AbortController()
  const held = t.held()
  const asked = t.fetch(held.url, { method: 'POST', body: new Blob([new Uint8Array(1 << 20)]), signal: aborter.signal })
  await held.arrived()
  aborter.abort(new RangeError('mine'))
  const seen = await outcomeOf(asked, aborter.signal)
  await held.gone()
  return seen
})
test('during a redirect\'s second hop', async (t) => {
  const aborter = new AbortController()
  const held = t.held()
  const asked = t.fetch(t.rawUrl({ status: 302, headers: [['Location', held.url]] }), { signal: aborter.signal })
  await held.arrived()
  aborter.abort(new RangeError('mine'))
  const seen = await outcomeOf(asked, aborter.signal)
  await held.gone()
  return seen
})
