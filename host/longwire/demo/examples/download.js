import { downloading } from 'longwire'

const bar = document.querySelector('#download-bar')
const response = await longwire.fetch('https://api.example.com/v1/download')
const body = downloading(response, ({ bytes, total }) => {
  bar.max = total ?? bytes
  bar.value = bytes
})
const file = await new Response(body).arrayBuffer()
const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', file)).toBase64()
const whole = response.headers.get('repr-digest') === `sha-256=:${digest}:`
const size = `${(file.byteLength / 2 ** 20).toFixed(1)} MiB`
document.querySelector('#download-status').textContent = `${size}, ${whole ? 'as' : 'not as'} announced`
