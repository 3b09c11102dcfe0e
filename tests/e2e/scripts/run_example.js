export default ([status, code]) => {
  const names = Object.keys(client).join(', ')
  const head = `const { ${names} } = window.client\n${status.replace('export ', '')}`
  const text = head + code.replace(/^import .*$/gm, '')
  import(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })))
}
