// Names of projects and branches, as they stand in an address. A page writes its address itself, and what is read of it goes
// into requests that carry a secret: only what can be a name passes, so that none climbs out of the path that it is put into.

/** One segment of a project's path. Bitbucket also takes an id in braces. */
const SEGMENT = /^(?!\.{1,2}$)[\w.{}-]+$/

/** What git allows in no name of a branch (git-check-ref-format): among it whatever would climb. */
const NOT_IN_REF = /\.\.|\/\/|@\{|[\0-\x20\x7f~^:?*[\\]|(?:^|\/)\.|\.(?:lock)?(?:\/|$)|^\/|\/$|^-/

/** `owner:`, `owner:name:`, `owner/name:`, or an id: whose branch it is, where it is another project's. */
const OWNER = /^(?:[\w.{}-]+[/:])?[\w.{}-]+:/

/**
 * An escaped slash is none: `/ann/tool%2Factions/pull/1` would be asked of another part of the site's API.
 *
 * @returns null for what is no project's path
 */
export function projectOf(path: string): string | null {
  const segments = path.split('/').map(decoded)
  return segments.length >= 2 && segments.every((segment) => SEGMENT.test(segment ?? '')) ? segments.join('/') : null
}

/** Whether it is a branch, a tag or a commit, maybe another project's: `feature/x`, `ann:main`, `ann/fork:main`. */
export function isRef(text: string): boolean {
  const owner = OWNER.exec(text)?.[0] ?? ''
  if (owner.split(/[/:]/).some((part) => part === '.' || part === '..')) return false
  const name = text.slice(owner.length)
  return name !== '' && !NOT_IN_REF.test(name)
}

/** @returns null where an escape is none, or no text */
export function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** For a path, its slashes kept. */
export function inPath(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/')
}
