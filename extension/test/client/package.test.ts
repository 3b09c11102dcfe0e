import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, expectTypeOf, test } from 'vitest'
import type * as client from '../../src/client/index'
import type { Fetch } from '../../src/client/types'
import type { Longwire, LongwireError as PublishedError } from '../../src/page/api'
import type { LongwireError } from '../../src/page/errors'

const folder = fileURLToPath(new URL('../../src/client/', import.meta.url))

/** What a bundler takes of the library for this code. */
async function bundle(code: string): Promise<{ code: string; imports: string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: code, resolveDir: folder, loader: 'ts' },
    bundle: true,
    format: 'esm',
    external: ['eventsource-parser'],
    metafile: true,
    write: false
  })
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports.map(({ path }) => path))
  return { code: outputFiles[0]?.text ?? '', imports }
}

test('it depends on eventsource-parser alone, and on nothing of the extension', async () => {
  const { imports, code } = await bundle("export * from './index'")
  expect([...new Set(imports)]).toEqual(['eventsource-parser'])
  expect(code).not.toContain('/page/')
  expect(code).not.toContain('chrome.')
})

test('rpc depends on nothing, and on little of the rest', async () => {
  const { imports, code } = await bundle("export * from '../rpc/index'")
  expect(imports).toEqual([])
  expect(code).not.toMatch(parts('EventStream', 'SseDecoder', 'Exchange', 'Replay'))
})

test('who imports little, gets little', async () => {
  expect((await bundle("export { StreamError } from './index'")).code).not.toMatch(parts('EventStream', 'SseDecoder'))
  const source = (await bundle("export { EventSource } from './index'")).code
  expect(source).toMatch(parts('EventSource'))
  expect(source).not.toMatch(parts('Exchange', 'EventStream', 'Replay', 'Batcher', 'PayloadReader'))
  const events = (await bundle("export { events } from './index'")).code
  expect(events).toMatch(parts('EventStream'))
  expect(events).not.toMatch(parts('Exchange', 'EventSource', 'Replay'))
})

test('the types of longwire/page are those of what is in the page, and fit the library', () => {
  expectTypeOf<LongwireError>().toExtend<PublishedError>()
  expectTypeOf<Longwire['fetch']>().toExtend<Fetch>()
})

test('window.longwire has the types of what the package exports, and cannot be written', () => {
  expectTypeOf<Longwire['stream']>().toEqualTypeOf<typeof client.stream>()
  expectTypeOf<Longwire['EventSource']>().toEqualTypeOf<typeof client.EventSource>()
  expectTypeOf<keyof typeof client>().toExtend<keyof Longwire>()
  expectTypeOf<Pick<Longwire, 'stream'>>().toEqualTypeOf<{ readonly stream: typeof client.stream }>()
})

/** A class of one of these names, however it is declared. */
function parts(...names: string[]): RegExp {
  return new RegExp(`\\b(?:class (?:${names.join('|')})\\b|(?:${names.join('|')}) = class\\b)`)
}
