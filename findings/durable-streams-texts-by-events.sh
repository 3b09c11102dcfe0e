#!/usr/bin/env bash
# A text that is followed by the client of the Durable Streams protocol, by long polls and by events.
#
# One would guess: a stream is the same however it is read. `live: 'sse'`, `live: 'long-poll'` and a read from the beginning are
# three ways to the same text, and offsets count its bytes.
# What happens (server 0.3.7, client 0.2.7): by events `\r\n` and `\r` come as `\n`, for a text goes into their lines. And
# both ways decode each answer or append by itself, so a character that two appends share comes as two U+FFFD. No error, and
# the offset says that all is there. Read again from the beginning, the text is whole.
# Why it matters: what follows a terminal, a CSV file or a model's answer, in whose pieces characters are cut, shows one text
# while it comes and another after a reload, and no digest over it fits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @durable-streams/server@0.3.7 @durable-streams/client@0.2.7

cat >follow.mjs <<'JS'
import { DurableStream, stream } from '@durable-streams/client'
import { DurableStreamTestServer } from '@durable-streams/server'

const server = new DurableStreamTestServer({ port: 0, host: '127.0.0.1' })
const base = await server.start()
const bytes = new TextEncoder().encode('one\r\ntwo\rcafé')

async function followed(live) {
  const made = await DurableStream.create({ url: `${base}/v1/stream/${live}`, contentType: 'text/plain; charset=utf-8' })
  await made.append('>')
  const given = await stream({ url: made.url, live, offset: '-1' })
  let text = ''
  let came = () => {}
  const next = () => new Promise((resolve) => { came = resolve })
  const first = next()
  given.subscribeText((chunk) => {
    text += chunk.text
    came()
  })
  await first
  // Cut within the last character.
  for (const piece of [bytes.slice(0, -1), bytes.slice(-1)]) {
    const seen = next()
    await made.append(piece)
    await seen
  }
  await made.close()
  await given.closed
  const again = await stream({ url: made.url, live: false, offset: '-1' })
  console.log(`${live}: ${JSON.stringify(text)}, read again ${JSON.stringify(await again.text())}, same offset ${given.offset === again.offset}`)
}

await followed('long-poll')
await followed('sse')
await server.stop()
process.exit()
JS
cat >expected <<'TXT'
long-poll: ">one\r\ntwo\rcaf��", read again ">one\r\ntwo\rcafé", same offset true
sse: ">one\ntwo\ncaf��", read again ">one\r\ntwo\rcafé", same offset true
TXT
node follow.mjs | tee seen
diff expected seen
