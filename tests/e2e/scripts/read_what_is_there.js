export default () =>
  Promise.all(
    held.map(async (response) => {
      const reader = response.body.getReader()
      let bytes = 0
      for (;;) {
        const piece = await Promise.race([reader.read(), new Promise((resolve) => setTimeout(resolve))])
        if (piece === undefined) return bytes
        bytes += piece.value.length
      }
    })
  )
