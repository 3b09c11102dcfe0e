const frame = (name, attributes) => {
  const element = Object.assign(document.createElement('iframe'), { name })
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  document.body.append(element)
}
const html = '<!doctype html><title>inner</title>'
frame('same', { src: '/blank' })
frame('address', { src: 'ADDRESS/blank' })
frame('port', { src: 'PORT/blank' })
frame('srcdoc', { srcdoc: html })
frame('blank', { src: 'about:blank' })
frame('empty', {})
frame('blob', { src: URL.createObjectURL(new Blob([html], { type: 'text/html' })) })
frame('sandboxed', { src: '/blank', sandbox: 'allow-scripts' })
frame('sandboxed-same', { src: '/blank', sandbox: 'allow-scripts allow-same-origin' })
frame('sandboxed-srcdoc', { srcdoc: html, sandbox: 'allow-scripts' })
frame('sandboxed-address', { src: 'ADDRESS/blank', sandbox: 'allow-scripts' })
frame('data', { src: `data:text/html,${html}` })
frame('address-with-frames', { src: 'ADDRESS/inner' })
