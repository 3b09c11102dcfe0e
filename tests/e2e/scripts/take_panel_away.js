export default () => {
  const take = () => {
    const panel = document.querySelector('.CommentBox').nextElementSibling
    if (!panel?.matches('div')) return
    panel.remove()
    window.taken += 1
  }
  new MutationObserver(take).observe(document.body, { childList: true, subtree: true })
  take()
}
