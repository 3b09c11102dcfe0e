// The TypeScript types of the protocol, from its JSON Schema: schema on stdin, {"native": …, "bridge": …} on stdout.
// Run by `python -m longwire.protocol.export`, which puts the texts where they belong.

import { text } from 'node:stream/consumers'
import { compile } from 'json-schema-to-typescript'

// What each hop carries, and what bytes are there.
const HOPS = {
  native: { unions: ['ToHost', 'FromHost'], bytes: 'string' },
  bridge: { unions: ['FromPage', 'ToPage'], bytes: 'Uint8Array<ArrayBuffer>' }
}
// errors.ts has these already.
const FROM_ERRORS = ['ErrorCode', 'Phase']

/** One schema node as json-schema-to-typescript understands it. */
function adapt(node, bytes) {
  if (Array.isArray(node)) return node.map((entry) => adapt(entry, bytes))
  if (node === null || typeof node !== 'object') return node
  if (node.contentEncoding === 'base64') return { tsType: bytes }
  const known = FROM_ERRORS.find((name) => node.$ref === `#/$defs/${name}`)
  if (known) return { tsType: known }
  const { prefixItems, discriminator, maxItems, minItems, ...rest } = node
  const adapted = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, adapt(value, bytes)]))
  // The library knows tuples only in the older spelling, and would write out a bounded array as a union of tuples.
  return prefixItems ? { ...adapted, items: adapt(prefixItems, bytes), minItems, maxItems } : adapted
}

async function types(schema, { unions, bytes }) {
  const reached = Object.fromEntries(unions.map((name) => [name, { $ref: `#/$defs/${name}` }]))
  const root = { type: 'object', properties: reached, required: unions, additionalProperties: false }
  const source = await compile({ ...root, $defs: adapt(schema.$defs, bytes) }, 'Root', {
    bannerComment: '',
    style: { semi: false, singleQuote: true, printWidth: 120, trailingComma: 'none', bracketSpacing: true }
  })
  // The library needs one type that everything hangs from; nobody else does.
  return source.replace(/export interface Root \{[^}]*\}\n/, '').trimStart()
}

const schema = JSON.parse(await text(process.stdin))
const result = {}
for (const [hop, options] of Object.entries(HOPS)) result[hop] = await types(schema, options)
process.stdout.write(JSON.stringify(result))
