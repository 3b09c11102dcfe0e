/** Says in the element how a stream stands, and counts down to the next attempt. */
export function statusIn(element) {
  let timer
  return ({ state, until, reason, error }) => {
    clearInterval(timer)
    element.textContent = error?.message ?? state
    if (state !== 'waiting') return
    const tell = () => {
      element.textContent = `retrying in ${Math.ceil((until - Date.now()) / 1000)} s: ${reason.message}`
    }
    tell()
    timer = setInterval(tell, 1000)
  }
}
