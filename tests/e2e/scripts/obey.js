// Whoever has no debugger on this page gives it orders by its server.
async function until(reached) {
  while (!reached()) await new Promise((resolve) => setTimeout(resolve, 20))
}

async function obey() {
  for (;;) {
    const order = await (await fetch('/order')).text()
    let answer
    try {
      // biome-ignore lint/security/noGlobalEval: that is what an order is
      answer = { value: order === 'reload' ? null : await (0, eval)(order) }
    } catch (error) {
      answer = { error: String(error) }
    }
    await fetch('/answer', { method: 'POST', body: JSON.stringify(answer) })
    if (order === 'reload') return location.reload()
  }
}
obey()
