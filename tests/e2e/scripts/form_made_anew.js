export default (words) => {
  const form = document.querySelector('form')
  const again = form.cloneNode(true)
  again.querySelector('textarea').value = words ?? form.querySelector('textarea').value
  form.replaceWith(again)
  window.saved = () => again.querySelector('textarea').value
}
