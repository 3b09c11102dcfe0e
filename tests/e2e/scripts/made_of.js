// What a page is made of: its elements' names, attributes that could run something, and characters that nobody sees.
export default () => ({
  tags: [...new Set([...document.querySelectorAll('*')].map(({ localName }) => localName))].sort(),
  images: document.images.length,
  scripts: document.scripts.length,
  handlers: [...document.querySelectorAll('*')].flatMap(({ attributes }) =>
    [...attributes].map(({ name }) => name).filter((name) => name.startsWith('on') || name === 'srcdoc')
  ),
  unseen: [...document.body.textContent].filter((each) => /[\p{Cf}\p{Cc}]/u.test(each) && !/[\n\t]/.test(each)),
  hacked: window.hacked ?? null
})
