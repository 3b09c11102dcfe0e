// Bundles a page and its clients, if it has any, for a browser: `node bundle.mjs DIR page [clients]`, names in src, or some of
// the clients: `node bundle.mjs DIR page clients one.ts`. The packages are as they came from npm; esbuild is the extension's.

import { readdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const { build } = createRequire(new URL('../../extension/', import.meta.url))('esbuild')
const [, , outdir, page, clients, ...some] = process.argv

const all = clients === undefined ? [] : await readdir(new URL(`src/${clients}/`, import.meta.url))
const names = some.length > 0 ? some : all
await build({
  absWorkingDir: here,
  entryPoints: [`src/${page}.ts`, ...names.map((name) => `src/${clients}/${name}`)],
  outdir,
  bundle: true,
  format: 'esm',
  // What clients share is loaded once, and no client brings another one along.
  splitting: true,
  platform: 'browser',
  target: 'chrome148',
  // Errors are compared by the names of their classes.
  keepNames: true,
  logLevel: 'warning',
  // Packages that are not there are missing a hundred times over.
  logLimit: 3
})
