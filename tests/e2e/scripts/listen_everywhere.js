window.heard = []
for (const type of ['keydown', 'keyup', 'beforeinput', 'input', 'change', 'paste', 'click', 'mousedown'])
  for (const target of [document, document.documentElement])
    for (const capture of [true, false])
      target.addEventListener(type, (event) => window.heard.push(event.type), { capture })
addEventListener('keydown', () => window.heard.push('late'), { capture: false })
