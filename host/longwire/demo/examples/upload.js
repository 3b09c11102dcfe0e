import { stream } from 'longwire'

const bar = document.querySelector('#upload-bar')
const [file] = document.querySelector('#file').files
const upload = stream('https://api.example.com/v1/upload', {
  method: 'PUT',
  body: file,
  longwire: {
    onUploadProgress: ({ sent, total }) => {
      bar.max = total
      bar.value = sent
    }
  }
}, { fetch: longwire.fetch })
for await (const { data } of upload) {
  document.querySelector('#upload-status').textContent = `the server has SHA-256 ${data.sha256}`
}
