export default ({ url, total, piece }) => {
  window.made = 0
  window.block = random(piece)
  window.aborter = new AbortController()
  window.cancelled = new Promise((resolve) => {
    const body = new ReadableStream(
      {
        pull(controller) {
          const bytes = block.slice(0, Math.min(piece, total - made))
          made += bytes.length
          controller.enqueue(bytes)
          if (made === total) controller.close()
        },
        cancel: resolve
      },
      { highWaterMark: 0 }
    )
    const init = { method: 'POST', body, duplex: 'half', signal: aborter.signal }
    window.answer = outcome(longwire.fetch(url, init).then((response) => response.text()))
  })
}
