// What every oracle does: answers on stdin, each given to a vendor's own SDK as its fetch would get it, results on stdout.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** The vendors' packages are those of the folder that node was started in: tests/compat. */
export const vendor = createRequire(`${process.cwd()}/`)

/** A fetch that answers with these bytes, in one piece. */
export function answering({ mediaType, body }) {
  return () => Promise.resolve(new Response(Buffer.from(body, 'base64'), { headers: { 'content-type': mediaType } }))
}

/** @param run gives `{ text, calls: [{ id, name, arguments }], usage, finish }`; what it throws is `{ error }` beside what came before */
export async function main(run) {
  const results = {}
  // Their warnings go to the console.
  for (const name of ['log', 'warn', 'error', 'debug', 'info']) console[name] = () => undefined
  for (const vector of JSON.parse(readFileSync(0, 'utf8'))) {
    const so = { text: '', reasoning: '', calls: [], usage: null, finish: null }
    try {
      await run(vector, so)
    } catch (error) {
      so.error = String(error?.message ?? error)
    }
    results[vector.name] = so
  }
  process.stdout.write(JSON.stringify(results))
}
