#!/usr/bin/env bash
# Two vendors' SDKs for JavaScript, given a fetch that fails at once and never waits for anything.
#
# One would guess: a request that could not be made is an APIConnectionError, and APIConnectionTimeoutError is kept for the
# client's own clock, since only that one means that the server may have been at work.
# What happens (openai 7.57.0, @anthropic-ai/sdk 1.12.0): which of the two it is depends on the words of the failure and of its
# cause. "timeout" or "timed out" anywhere in them, a host's name or a path included, makes it a timeout. Both send the
# POST three times either way, whatever fetch says has happened.
# Why it matters: code that falls back to another model after a connection error and waits after a timeout does the wrong
# one of the two; and who writes a fetch of their own decides it by a choice of words.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund openai@7.57.0 @anthropic-ai/sdk@1.12.0
cat >run.mjs <<'JS'
import OpenAI from 'openai'
import Anthropic from '@anthropic-ai/sdk'

const messages = [{ role: 'user', content: 'hi' }]
const CLIENTS = {
  openai: (fetch) => new OpenAI({ apiKey: 'none', fetch }).chat.completions.create({ model: 'm', messages }),
  '@anthropic-ai/sdk': (fetch) =>
    new Anthropic({ apiKey: 'none', fetch }).messages.create({ model: 'm', max_tokens: 1, messages })
}
const FAILURES = {
  'connection refused': [new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }), 'APIConnectionError'],
  'a name that does not resolve': [
    new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND timeouts.example.com') }),
    'APIConnectionTimeoutError'
  ],
  'a refusal that names an option': [new TypeError('not allowed here; see the option headerTimeout'), 'APIConnectionTimeoutError']
}

let changed = false
for (const [client, ask] of Object.entries(CLIENTS)) {
  for (const [failure, [error, expected]] of Object.entries(FAILURES)) {
    let calls = 0
    const fetch = async () => {
      calls += 1
      throw error
    }
    const kind = await ask(fetch).then(() => 'an answer', (thrown) => thrown.constructor.name)
    const same = kind === expected && calls === 3
    changed ||= !same
    console.log(`${same ? 'as found' : 'CHANGED '}  ${client.padEnd(18)} ${failure.padEnd(32)} ${kind}, ${calls} calls`)
  }
}
process.exit(changed ? 1 : 0)
JS
node run.mjs
