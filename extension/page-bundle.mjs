// How page.js is made: build.mjs writes it, and a test looks through it for what a page could have replaced.

import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'

const from = (path) => fileURLToPath(new URL(path, import.meta.url))

/** Others' code, which is to be read where they publish it. */
const smallDependencies = {
  name: 'small-dependencies',
  setup: ({ onLoad }) =>
    onLoad({ filter: /node_modules.*\.js$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), { minify: true, charset: 'utf8' })
      return { contents: code }
    })
}

/** What holds for every world's bundle. */
export const commonOptions = (version) => ({
  bundle: true,
  target: 'chrome148',
  charset: 'utf8',
  loader: { '.txt': 'text', '.css': 'text' },
  define: { LONGWIRE_VERSION: JSON.stringify(version) },
  logLevel: 'warning'
})

/** Only page.js, which every page is given that may use it, has no white space. */
export const pageOptions = (version) => ({
  ...commonOptions(version),
  entryPoints: [from('src/page/main.ts')],
  format: 'iife',
  minifyWhitespace: true,
  minifySyntax: true,
  inject: [from('src/page/captured.ts')],
  plugins: [smallDependencies]
})
