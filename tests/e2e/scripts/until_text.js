// Resolves `untilText` once an element has said these words, however shortly.
export default ([selector, words]) => {
  const target = document.querySelector(selector)
  window.untilText = new Promise((said) => {
    const look = () => target.textContent === words && said(true)
    new MutationObserver(look).observe(target, { childList: true, characterData: true, subtree: true })
  })
  return null
}
