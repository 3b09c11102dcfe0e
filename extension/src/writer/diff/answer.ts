// What a site's answer means, where it is no diff.

import type { DiffSource, Site } from '../model'
import { DiffError } from './errors'

const NAMES = { bitbucket: 'Bitbucket', forgejo: 'Forgejo', github: 'GitHub', gitlab: 'GitLab' } as const

/** @returns what a person, or the administrator, can do about a status that is no success */
export function refusalOf(site: Site, { by, url }: DiffSource, { status, headers }: Response): DiffError {
  const name = NAMES[site.name]
  const host = new URL(url).host
  const at = `(${host}, ${status})`
  const secret = `the secret that the policy's grant for the writer injects at ${host}`
  if (status === 429 || (status === 403 && headers.get('x-ratelimit-remaining') === '0')) {
    return new DiffError('RATE_LIMITED', `${name} takes no more requests for now ${at}`, waitOf(headers))
  }
  if (status === 401) {
    const text = by === 'host' ? `put one that is valid into ${secret}` : 'sign in there again, in this browser'
    return new DiffError('NOT_SIGNED_IN', `${name} does not know who asks ${at}: ${text}`)
  }
  if (status === 403) {
    const text = by === 'host' ? `the token in ${secret} has to be allowed ${site.tokenNeeds}` : 'you may not read it'
    return new DiffError('NOT_ALLOWED', `${name} does not show this diff ${at}: ${text}`)
  }
  if (status === 404 || status === 410) {
    // All four say so of what somebody may not know of, too.
    const text =
      by === 'host'
        ? `is it there? Then the token in ${secret} has to be allowed ${site.tokenNeeds}`
        : 'is it there, and are you signed in?'
    return new DiffError('NOT_FOUND', `${name} finds no such diff ${at}: ${text}`)
  }
  if (status === 406 || status === 413 || status === 422) {
    return new DiffError('TOO_LARGE', `${name} makes no diff of a change as large as this ${at}: describe it by hand`)
  }
  if (status >= 500) {
    return new DiffError('SITE_FAILED', `${name} has a fault of its own ${at}: try again later`, waitOf(headers))
  }
  return new DiffError('SITE_FAILED', `${name} did not give the diff ${at}`)
}

/** Something else came with a success: a form to sign in, a list. */
export function noDiff(site: Site, { by, url }: DiffSource): DiffError {
  const host = new URL(url).host
  const text = by === 'host' ? 'is that address its API?' : 'sign in there again, in this browser'
  return new DiffError('NOT_A_DIFF', `${NAMES[site.name]} sent something that is no diff (${host}): ${text}`)
}

/** The page's own request failed, of which a browser says nothing more. */
export function unreachable(site: Site, { url }: DiffSource, cause: unknown): DiffError {
  const host = new URL(url).host
  const text = `This page may not read the diff itself (${host}): let the policy grant the writer ${NAMES[site.name]}'s API`
  return new DiffError('UNREACHABLE', text, null, cause)
}

/** It began to answer, and did not come to an end. */
export function brokeOff(site: Site, { url }: DiffSource, cause: unknown): DiffError {
  const text = `${NAMES[site.name]}'s answer broke off (${new URL(url).host}): try again`
  return new DiffError('UNREACHABLE', text, null, cause)
}

/** No source is left, and none was allowed. */
export function notGranted(site: Site, sources: readonly DiffSource[]): DiffError {
  const hosts = [...new Set(sources.filter(({ by }) => by === 'host').map(({ url }) => new URL(url).origin))]
  const where =
    hosts.length === 0
      ? ''
      : `: ${hosts.map((host) => `${host}/`).join(' or ')}, with a token that is allowed ${site.tokenNeeds}`
  return new DiffError('NOT_GRANTED', `The policy grants the writer no way to read this diff${where}`)
}

/** `Retry-After` in seconds, or GitHub's moment of the next allowance in seconds since 1970. */
function waitOf(headers: Headers): number | null {
  const seconds = headers.get('retry-after') ?? ''
  if (/^\d+$/.test(seconds)) return Number(seconds) * 1000
  const reset = headers.get('x-ratelimit-reset') ?? ''
  return /^\d+$/.test(reset) ? Math.max(0, Number(reset) * 1000 - Date.now()) : null
}
