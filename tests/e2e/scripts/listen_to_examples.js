export default () => {
  window.said = []
  const note = ([{ target }]) => said.push(target.value ?? target.textContent)
  const seen = new MutationObserver(note)
  for (const status of document.querySelectorAll('.status')) seen.observe(status, { childList: true })
  for (const bar of document.querySelectorAll('progress')) seen.observe(bar, { attributes: true })
}
