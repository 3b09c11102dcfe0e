#!/usr/bin/env bash
# A paste in ProseMirror, and the undo behind it.
#
# One would guess: a paste is a step of its own, as in the browser's own fields, and what a script puts in is one too. How
# many steps there are does not depend on the clock but where a person types on.
# What happens (prosemirror-history 1.5.2 in Chromium 156): any change within half a second (`newGroupDelay`) of the one before
# it, and beside it, belongs to the same step, whoever made it. One undo takes back the paste and the words that were typed
# before it. Texts that a script puts in ten times a second are one step with what was typed before them, however long that goes
# on; with pauses they are as many as there are pauses.
# Why it matters: a tool that takes back its own text by undo takes a person's words along if it is fast. And a test, which is
# fast, cannot see that an undo is missing: there is one step all the same. A person who waits has two. `closeHistory` of the
# package before a change begins a step; undo and redo do so too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export CHROMIUM="${CHROMIUM:-$(command -v chromium || command -v google-chrome)}"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts prosemirror-model@1.25.13 prosemirror-state@1.4.4 \
  prosemirror-transform@1.12.7 prosemirror-view@1.44.0 prosemirror-keymap@1.2.3 prosemirror-history@1.5.2 esbuild@0.28.2 \
  playwright-core@1.65.1

cat >page.js <<'JS'
import { closeHistory, history, redo, undo } from 'prosemirror-history'
import { keymap } from 'prosemirror-keymap'
import { Schema } from 'prosemirror-model'
import { EditorState } from 'prosemirror-state'
import { EditorView } from 'prosemirror-view'

const schema = new Schema({
  nodes: {
    doc: { content: 'paragraph+' },
    paragraph: { content: 'text*', parseDOM: [{ tag: 'p' }], toDOM: () => ['p', 0] },
    text: {}
  }
})
const elements = {
  field: '<textarea></textarea>',
  element: '<p contenteditable></p>',
  ProseMirror: ''
}
window.open = (kind) => {
  document.body.innerHTML = elements[kind]
  let edited = document.body.firstChild
  if (edited === null) {
    const state = EditorState.create({ schema, plugins: [history(), keymap({ 'Mod-z': undo })] })
    window.view = new EditorView(document.body, { state })
    edited = view.dom
  }
  edited.focus()
  window.text = () => edited.value ?? edited.textContent
}
const pause = (ms) => new Promise((done) => setTimeout(done, ms))
window.put = async (times, ms) => {
  for (let i = 0; i < times; i++) {
    view.dispatch(view.state.tr.insertText('.'))
    await pause(ms)
  }
}
window.close = () => view.dispatch(closeHistory(view.state.tr))
window.backAndForth = () => undo(view.state, view.dispatch) && redo(view.state, view.dispatch)
JS
cat >run.mjs <<'JS'
import { buildSync } from 'esbuild'
import { chromium } from 'playwright-core'

buildSync({ entryPoints: ['page.js'], bundle: true, outfile: 'bundle.js' })
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM })
const page = await browser.newPage()
await page.setContent('<textarea>pasted</textarea>')
await page.addScriptTag({ path: 'bundle.js' })
await page.evaluate(() => document.querySelector('textarea').select())
await page.keyboard.press('Control+c')

const text = () => page.evaluate(() => text())
const typed = async (name, kind, act) => {
  await page.evaluate((kind) => open(kind), kind)
  await page.keyboard.type('typed,')
  await act()
  const steps = [await text()]
  while (steps.length < 9 && steps.at(-1) !== '') {
    await page.keyboard.press('Control+z')
    steps.push(await text())
  }
  console.log(`${name}: ${JSON.stringify(steps)}`)
}
const paste = () => page.keyboard.press('Control+v')
await typed('text field', 'field', paste)
await typed('editable element', 'element', paste)
await typed('ProseMirror', 'ProseMirror', paste)
await typed('  700 ms later', 'ProseMirror', async () => {
  await page.waitForTimeout(700)
  await paste()
})
await typed('  behind closeHistory', 'ProseMirror', async () => {
  await page.evaluate(() => close())
  await paste()
})
await typed('  behind undo and redo', 'ProseMirror', async () => {
  await page.evaluate(() => backAndForth())
  await paste()
})
await typed('a script, 30 times in 3 s', 'ProseMirror', () => page.evaluate(() => put(30, 100)))
await typed('  3 times in 2 s', 'ProseMirror', () => page.evaluate(() => put(3, 700)))
await browser.close()
JS
cat >expected <<'TXT'
text field: ["typed,pasted","typed,",""]
editable element: ["typed,pasted","typed,",""]
ProseMirror: ["typed,pasted",""]
  700 ms later: ["typed,pasted","typed,",""]
  behind closeHistory: ["typed,pasted","typed,",""]
  behind undo and redo: ["typed,pasted","typed,",""]
a script, 30 times in 3 s: ["typed,..............................",""]
  3 times in 2 s: ["typed,...","typed,..","typed,.",""]
TXT
timeout 120 node run.mjs | tee seen
diff expected seen
