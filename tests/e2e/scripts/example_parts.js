export default () => {
  document.body.innerHTML = `<p id=answer></p><p id=chat-status></p><button id=stop></button>
        <p id=feed></p><p id=feed-status></p><button id=leave></button>
        <progress class=bar id=upload-bar></progress><input id=file type=file><p id=upload-status></p>
        <progress class=bar id=download-bar></progress><p id=download-status></p>`
  window.values = []
  const seen = new MutationObserver(([{ target }]) => values.push(target.value))
  for (const bar of document.querySelectorAll('.bar')) seen.observe(bar, { attributes: true })
}
