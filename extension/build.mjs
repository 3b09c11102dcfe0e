// Bundles the three worlds, the writer, the frame between two of them and the extension's own pages and writes the manifest: `node build.mjs [--variant test] [--out DIR]`, by default into dist/.
//
// The output stays readable: a reviewer of the extension store and a user in DevTools see what is in src/. Only page.js, which
// every page is given that may use it, has no white space; its names stay, and DevTools lays it out again.

import { copyFile, cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { buildClient } from './client-package/build.mjs'
import { commonOptions, pageOptions } from './page-bundle.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const { values } = parseArgs({ options: { variant: { type: 'string' }, out: { type: 'string' } } })
const out = values.out === undefined ? join(here, 'dist') : resolve(values.out)

const read = (path) => readFile(join(here, '..', path), 'utf8')
const manifestPart = async (name) => JSON.parse(await read(`manifests/extension.${name}.json`))

/** JSON Merge Patch, RFC 7396: objects merge, `null` removes, anything else replaces. */
function mergePatch(target, patch) {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch
  const result = { ...target }
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else result[name] = mergePatch(result[name], value)
  }
  return result
}

const [, version] = /__version__ = "([^"]+)"/.exec(await read('host/longwire/__init__.py'))
// A manifest knows numbers only, so a pre-release suffix goes into the version that people see.
const [numbers] = /^\d+(\.\d+){0,3}/.exec(version)
const parts = ['base', 'chromium', ...(values.variant ? [values.variant] : [])]
const manifest = (await Promise.all(parts.map(manifestPart))).reduce(mergePatch, {})

// A folder that somebody named may hold more than a build.
if (values.out === undefined) await rm(out, { recursive: true, force: true })
await mkdir(out, { recursive: true })
const manifestText = JSON.stringify({ ...manifest, version: numbers, version_name: version }, null, 2)
await writeFile(join(out, 'manifest.json'), `${manifestText}\n`)
await cp(join(here, 'icons'), join(out, 'icons'), { recursive: true })
await copyFile(join(here, '../manifests/managed_storage.schema.json'), join(out, 'managed_storage.schema.json'))
for (const page of ['popup', 'settings', 'dashboard']) {
  await copyFile(join(here, 'src', page, 'index.html'), join(out, `${page}.html`))
  const entryPoints = [join(here, 'src', page, 'style.css')]
  // For the panel, which has its sheet in its script, a sheet is a text.
  await build({ ...commonOptions(version), loader: {}, entryPoints, outfile: join(out, `${page}.css`) })
}
// In dashboard.css and dashboard.js; its licence goes where it goes.
await copyFile(join(here, 'node_modules/uplot/LICENSE'), join(out, 'LICENSE.uplot'))
await copyFile(join(here, 'src/direct-frame/index.html'), join(out, 'direct.html'))
// In page.js, for EventSource; its licence goes where it goes.
await copyFile(join(here, 'node_modules/eventsource-parser/LICENSE'), join(out, 'LICENSE.eventsource-parser'))
/** Bytes of page.js, which is parsed before any script of a page runs. */
const PAGE_BYTES = 204_000
// Content scripts are classic scripts and cannot import; the worker and the popup are modules.
for (const [world, format] of Object.entries({
  worker: 'esm',
  relay: 'iife',
  writer: 'iife',
  page: 'iife',
  'direct-frame': 'iife',
  popup: 'esm',
  settings: 'esm',
  dashboard: 'esm'
})) {
  const outfile = join(out, `${world === 'direct-frame' ? 'direct' : world}.js`)
  const entryPoints = [join(here, 'src', world, 'main.ts')]
  const options = world === 'page' ? pageOptions(version) : { ...commonOptions(version), entryPoints, format }
  await build({ ...options, outfile })
}
const { size } = await stat(join(out, 'page.js'))
if (size > PAGE_BYTES)
  throw new Error(`page.js has ${size} bytes, more than the ${PAGE_BYTES} that every page is given`)
process.stdout.write(`page.js, bytes: ${size} of at most ${PAGE_BYTES}\n`)
if (values.out === undefined && values.variant === undefined) process.stdout.write(`${await buildClient(version)}\n`)
