// A request as a command for sh. What was a credential is a variable: the command is for those who have it.

import { bodyOf, type RecordedStream } from '../recording/file'
import { fieldOf, written } from '../recording/lines'

const PLACEHOLDER = /\(secret:([a-z0-9-]+)\)/g
/**
 * What is the variable's own name. All others are names that the page chose, of which the environment of whoever runs the
 * command may have one already: `PATH`, or a secret of somebody else's.
 */
const PLAIN: ReadonlySet<string> = new Set(['authorization', 'x-api-key'])
/** Linux takes 128 KiB in one argument. */
const MAX_ARGUMENT_CHARS = 64 * 1024
/** What curl says by itself. */
const OWN: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'connection', 'host'])

/** @returns null for what curl cannot ask: a socket, a generation */
export function toCurl(stream: RecordedStream): string | null {
  const { method, url, headers, joined } = stream.request
  if (!/^https?:/.test(url)) return null
  const body = bodyOf(stream.up)
  const text = written(body)
  const inline = 'text' in text && !text.text.includes('\0') && text.text.length <= MAX_ARGUMENT_CHARS
  const parts = [
    'curl --no-buffer --globoff',
    method === 'HEAD' ? '--head' : `--request ${quoted(method)}`,
    `--url ${quoted(url)}`,
    ...headers.filter(([name]) => !OWN.has(name.toLowerCase())).map(([name, value]) => `--header ${field(name, value)}`)
  ]
  if (body.byteLength > 0) {
    // It would say that this is a form.
    if (fieldOf(headers, 'content-type') === '') parts.push(`--header 'Content-Type:'`)
    parts.push(inline ? `--data-raw ${literal(text.text)}` : '--data-binary @-')
  }
  const command = parts.join(' \\\n  ')
  const piped = body.byteLength > 0 && !inline ? `printf %s '${body.toBase64()}' | base64 -d | ` : ''
  return `${notes(stream, joined)}${piped}${command}\n`
}

/** The variables that a command needs. */
export function variablesOf(command: string): string[] {
  return [...new Set([...command.matchAll(/"\$([A-Z0-9_]+)"/g)].map(([, name = '']) => name))]
}

function notes({ masked, up }: RecordedStream, joined: number | undefined): string {
  const said = []
  if (masked && up.length > 0) said.push('# What was a credential in the body is asterisks here.\n')
  if (joined !== undefined) said.push('# The recording began when this was under way: it has no body of the request.\n')
  return said.join('')
}

/** curl leaves out a field without a value, unless a semicolon stands there. */
function field(name: string, value: string): string {
  return value === '' ? literal(`${name};`) : quoted(`${name}: ${value}`)
}

/** One word for sh, in which credentials are variables. */
function quoted(text: string): string {
  let word = ''
  let start = 0
  for (const found of text.matchAll(PLACEHOLDER)) {
    word += part(text.slice(start, found.index))
    word += `"$${variable(found[1] ?? '')}"`
    start = found.index + found[0].length
  }
  return word + part(text.slice(start)) || "''"
}

function part(text: string): string {
  return text === '' ? '' : literal(text)
}

/** Nothing means anything to sh between single quotes, and these end at the next one. */
function literal(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function variable(name: string): string {
  const upper = name.toUpperCase().replaceAll('-', '_')
  return PLAIN.has(name) ? upper : `SECRET_${upper}`
}
