export default () => {
  const forms = [
    'http://h/%2e%2e/x',
    'http://h/a/%2E%2e/x',
    'http://h/a/..%2f',
    'http://h/?',
    'http://h/#',
    'http://h:80/',
    'http://faß.de/',
    'http://1.2.3/',
    'http://0x7f.1/',
    'http://2130706433/',
    'http://[::ffff:1.2.3.4]/',
    'http://ex_ample.com/',
    'http://h/\ud800',
    'http://h/?\ud800',
    'http://h/%zz',
    'http://h/;a=..',
    'http://☃.net/',
    'http://a.b%2ecom/',
    'http:\\\\h\\x',
    '  http://h/x\t',
    'http://u@h/',
    'http:h/x',
    'http:///h/x'
  ]
  for (let code = 0; code < 0x180; code++) {
    const char = String.fromCharCode(code)
    forms.push(`http://h/a${char}b`, `http://h/?a${char}b`, `http://a${char}b/`)
  }
  return forms.filter((form) => URL.canParse(form)).map((form) => new URL(form).href.replace(/#.*$/, ''))
}
