// Builds the npm package `longwire` into client-package/dist: the library and `longwire/compat` as ES modules that import
// eventsource-parser, their types and those of `window.longwire`, and a minified module with everything of the library in
// it, for pages without a bundler. Beside it, as longwire.tgz, what `npm install` takes: `longwire client` gives these two to
// people.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const here = fileURLToPath(new URL('.', import.meta.url))
const out = join(here, 'dist')
const entry = join(here, '../src/client/index.ts')

/** @param version of the Python package, whose fetch this is made for */
export async function buildClient(version) {
  await rm(out, { recursive: true, force: true })
  await mkdir(out)
  const common = { bundle: true, format: 'esm', target: 'es2022', charset: 'utf8', logLevel: 'warning' }
  const external = { ...common, external: ['eventsource-parser'] }
  // One copy of what both have in them: an error is of the same class, whichever it comes from.
  const modules = { index: entry, compat: join(here, '../src/client/compat.ts') }
  await build({ ...external, entryPoints: modules, splitting: true, chunkNames: 'shared', outdir: out })
  // By itself: it shares next to nothing with them, and a page can load it as it is.
  const rpc = { ...common, entryPoints: [join(here, '../src/rpc/index.ts')] }
  await build({ ...rpc, outfile: join(out, 'rpc.js') })
  const rpcBanner = { js: `/*!\nlongwire ${version}\n\n${await readFile(join(here, '../../LICENSE'), 'utf8')}*/` }
  await build({ ...rpc, minify: true, banner: rpcBanner, outfile: join(out, 'rpc.min.js') })
  const banner = { js: await licences(version) }
  const [plain, small, whole] = await Promise.all(
    [external, { ...external, minify: true }, { ...common, minify: true, banner }].map(async (options) => {
      const { outputFiles } = await build({ ...options, entryPoints: [entry], write: false })
      return outputFiles[0].contents
    })
  )
  await writeFile(join(out, 'longwire.min.js'), whole)
  await writeTypes()
  const dependencies = JSON.parse(await readFile(join(here, '../package.json'), 'utf8')).dependencies
  const manifest = JSON.parse(await readFile(join(here, 'package.json'), 'utf8'))
  await writeFile(join(out, 'package.json'), `${JSON.stringify({ ...manifest, version, dependencies }, null, 2)}\n`)
  await copyFile(join(here, '../../LICENSE'), join(out, 'LICENSE'))
  // The minified one has it in it, and its licence wants to go along.
  const parser = join(here, '../node_modules/eventsource-parser/LICENSE')
  await copyFile(parser, join(out, 'LICENSE.eventsource-parser'))
  // The Python source distribution carries no docs, and builds the extension all the same.
  for (const [page, name] of [
    ['client.md', 'README.md'],
    ['events.md', 'events.md'],
    ['rpc.md', 'rpc.md']
  ]) {
    const manual = join(here, '../../docs', page)
    if (existsSync(manual)) await copyFile(manual, join(out, name))
  }
  await pack(version)
  return `client library, bytes: ${plain.length} as it is, ${sizes(small)}; with eventsource-parser ${sizes(whole)}; rpc ${sizes(await readFile(join(out, 'rpc.min.js')))}`
}

/** Goes wherever the one file goes that has everything in it. */
async function licences(version) {
  const [own, parser] = await Promise.all(
    ['../../LICENSE', '../node_modules/eventsource-parser/LICENSE'].map((path) => readFile(join(here, path), 'utf8'))
  )
  return `/*!\nlongwire ${version}\n\n${own}\neventsource-parser, which is in it:\n\n${parser}*/`
}

/** As npm would publish it. */
async function pack(version) {
  // The npm that runs this, if one does.
  const { npm_execpath: npm } = process.env
  const [program, first] = npm === undefined ? ['npm', []] : [process.execPath, [npm]]
  await promisify(execFile)(program, [...first, 'pack', '--silent', '--ignore-scripts'], { cwd: out })
  await rename(join(out, `longwire-${version}.tgz`), join(out, 'longwire.tgz'))
}

function sizes(minified) {
  return `${minified.length} minified, ${gzipSync(minified, { level: 9 }).length} gzipped`
}

async function writeTypes() {
  const tsc = join(here, '../node_modules/typescript/bin/tsc')
  await promisify(execFile)(process.execPath, [tsc, '--project', here])
  for (const name of await readdir(out, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue
    const text = await readFile(join(out, name), 'utf8')
    // Node's resolution, which "moduleResolution": "nodenext" follows, wants whole file names.
    await writeFile(join(out, name), text.replace(/(from |import\()(['"])(\.{1,2}\/[\w/-]+)\2/g, '$1$2$3.js$2'))
  }
}
