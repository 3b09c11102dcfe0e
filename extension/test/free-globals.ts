// Which of the browser's globals a script looks up when it is called, by the names that TypeScript knows. What it looks up
// while it is loaded does not count: a script at document_start finds nothing replaced then.

import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { transform } from 'esbuild'
import { parseAst } from 'vitest/node'

const MARK = 'LOOKED_UP_'
const DECLARATION = /^(?:declare )?(?:var|const|let|function|class|namespace) ([A-Za-z_$][\w$]*)/gm
/** No page can replace these: they are constants, or `[LegacyUnforgeable]` members of the window. */
const FIXED = new Set(['undefined', 'NaN', 'Infinity', 'window', 'document', 'location', 'top'])

/** Every global that code of this project could name: it compiles against these declarations and no others. */
function knownGlobals(): string[] {
  const from = createRequire(createRequire(import.meta.url).resolve('typescript/package.json'))
  const folder = join(
    dirname(from.resolve(`@typescript/typescript-${process.platform}-${process.arch}/package.json`)),
    'lib'
  )
  const names = new Set(['globalThis', 'chrome'])
  for (const file of readdirSync(folder)) {
    if (!/^lib\..*\.d\.ts$/.test(file)) continue
    for (const [, name] of readFileSync(join(folder, file), 'utf8').matchAll(DECLARATION)) names.add(name as string)
  }
  return [...names].filter((name) => !FIXED.has(name))
}

/** Functions, and what a class does for each of its instances. */
const LATER = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression', 'PropertyDefinition'])

type Node = { readonly type: string; readonly name?: unknown } & Readonly<Record<string, unknown>>

/**
 * @param script one function around everything, called at once, as esbuild's `iife` is
 * @returns sorted, each once
 */
export async function lookedUpLater(script: string): Promise<string[]> {
  // Scopes are esbuild's business: what it replaces is bound nowhere in the script.
  const define = Object.fromEntries(knownGlobals().map((name) => [name, `${MARK}${name}`]))
  const { code } = await transform(script, { define })
  const found = new Set<string>()
  const visit = (value: unknown, depth: number): void => {
    if (Array.isArray(value)) for (const each of value) visit(each, depth)
    if (typeof value !== 'object' || value === null || !('type' in value)) return
    const node = value as Node
    const { name } = node
    if (depth > 1 && typeof name === 'string' && name.startsWith(MARK)) found.add(name.slice(MARK.length))
    for (const member of Object.values(node)) visit(member, depth + (LATER.has(node.type) ? 1 : 0))
  }
  visit(parseAst(code), 0)
  return [...found].sort()
}
