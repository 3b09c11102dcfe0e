// Scroll an element up and down by so many pixels a frame, for so long; the time of each frame in milliseconds, sorted.
export default ({ id, pixels, milliseconds }) =>
  new Promise((resolve) => {
    const scroller = document.getElementById(id)
    const frames = []
    const began = performance.now()
    let last = began
    let step = pixels
    const frame = (now) => {
      frames.push(now - last)
      last = now
      if (now - began > milliseconds) return resolve(frames.slice(1).sort((a, b) => a - b))
      const before = scroller.scrollTop
      scroller.scrollTop += step
      if (scroller.scrollTop === before) step = -step
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  })
