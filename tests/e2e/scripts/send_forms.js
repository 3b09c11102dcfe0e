export default async (urls) =>
  Promise.all(
    urls.map(async (url, index) => {
      const form = new FormData()
      form.append('field', 'one & two')
      form.append('file', new File([new Uint8Array(600_000).fill(7)], 'seven.bin'))
      const init = { method: 'POST', body: form }
      return (await (index === 0 ? fetch(url, init) : longwire.fetch(url, init))).json()
    })
  )
