// TypeScript types from JSON Schema: {"protocol": …, "generation": …, "recording": …} on stdin, and on stdout {"native": …,
// "bridge": …, "generation": …, "recording": …}.
// Run by `python -m longwire.protocol.export`, which puts the texts where they belong.

import { text } from 'node:stream/consumers'
import { compile } from 'json-schema-to-typescript'

// What each hop carries, and what bytes are there.
const FILES = {
  // errors.ts has two of their types already.
  native: { schema: 'protocol', unions: ['ToHost', 'FromHost'], bytes: 'string', elsewhere: ['ErrorCode', 'Phase'] },
  bridge: {
    schema: 'protocol',
    unions: ['FromPage', 'ToPage'],
    bytes: 'Uint8Array<ArrayBuffer>',
    elsewhere: ['ErrorCode', 'Phase']
  },
  generation: {
    schema: 'generation',
    unions: ['GenerationRequest', 'AnyGenerationEvent'],
    bytes: 'string',
    elsewhere: []
  },
  recording: {
    schema: 'recording',
    unions: ['RecordingHead', 'RecordingLine'],
    bytes: 'string',
    elsewhere: ['ErrorCode', 'Phase']
  }
}

/** One schema node as json-schema-to-typescript understands it. */
function adapt(node, bytes, elsewhere) {
  if (Array.isArray(node)) return node.map((entry) => adapt(entry, bytes, elsewhere))
  if (node === null || typeof node !== 'object') return node
  if (node.contentEncoding === 'base64') return { tsType: bytes }
  const known = elsewhere.find((name) => node.$ref === `#/$defs/${name}`)
  if (known) return { tsType: known }
  const { prefixItems, patternProperties, discriminator, maxItems, minItems, ...rest } = node
  // Which names there may be, no type says.
  if (patternProperties) rest.additionalProperties = Object.values(patternProperties)[0]
  const adapted = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, adapt(value, bytes, elsewhere)]))
  // The library knows tuples only in the older spelling, and would write out a bounded array as a union of tuples.
  return prefixItems ? { ...adapted, items: adapt(prefixItems, bytes, elsewhere), minItems, maxItems } : adapted
}

async function types(schema, { unions, bytes, elsewhere }) {
  const reached = Object.fromEntries(unions.map((name) => [name, { $ref: `#/$defs/${name}` }]))
  const root = { type: 'object', properties: reached, required: unions, additionalProperties: false }
  const source = await compile({ ...root, $defs: adapt(schema.$defs, bytes, elsewhere) }, 'Root', {
    bannerComment: '',
    style: { semi: false, singleQuote: true, printWidth: 120, trailingComma: 'none', bracketSpacing: true }
  })
  // The library needs one type that everything hangs from; nobody else does.
  return source.replace(/export interface Root \{[^}]*\}\n/, '').trimStart()
}

const schemas = JSON.parse(await text(process.stdin))
const result = {}
for (const [file, options] of Object.entries(FILES)) result[file] = await types(schemas[options.schema], options)
process.stdout.write(JSON.stringify(result))
