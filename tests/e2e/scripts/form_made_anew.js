export default () => {
  const form = document.querySelector('form')
  const again = form.cloneNode(true)
  again.querySelector('textarea').value = form.querySelector('textarea').value
  form.replaceWith(again)
  window.saved = () => again.querySelector('textarea').value
}
