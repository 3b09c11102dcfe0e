// Bundles the editors of the four sites and the writer's own part that writes in them: `node bundle.mjs DIR`. The packages are
// as they came from npm; esbuild is the extension's.

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const { build } = createRequire(new URL('../../extension/', import.meta.url))('esbuild')
const [, , outdir] = process.argv

await build({
  absWorkingDir: here,
  entryPoints: ['src/bitbucket.ts', 'src/gitlab.ts', 'src/github.tsx', 'src/forgejo.ts', 'src/writer.ts'],
  outdir,
  bundle: true,
  format: 'iife',
  platform: 'browser',
  target: 'chrome148',
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
  logLevel: 'warning'
})
