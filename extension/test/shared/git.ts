// A repository of a test's own, and what the real git says of two states of it.

import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** What lies at a path: a text, bytes, a program, or a link. */
export type Content = string | Uint8Array | { readonly program: string } | { readonly link: string }

export type Tree = Readonly<Record<string, Content>>

const ENVIRONMENT = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com'
}

/** `git` in a folder that `dispose` removes. */
export class Repository {
  readonly #folder = mkdtempSync(join(tmpdir(), 'longwire-git-'))

  constructor() {
    this.git('init', '--quiet', '--initial-branch=main')
  }

  git(...args: string[]): string {
    return this.bytes(...args).toString('utf8')
  }

  bytes(...args: string[]): Buffer {
    return execFileSync('git', args, { cwd: this.#folder, env: ENVIRONMENT, maxBuffer: 1 << 28, stdio: 'pipe' })
  }

  /** The commit of exactly this tree, on the branch that is checked out. */
  commit(tree: Tree): string {
    for (const name of readdirSync(this.#folder)) {
      if (name !== '.git') rmSync(join(this.#folder, name), { recursive: true })
    }
    for (const [path, content] of Object.entries(tree)) this.#write(join(this.#folder, path), content)
    this.git('add', '--all', '--force')
    this.git('commit', '--quiet', '--allow-empty', '--message', 'state')
    return this.git('rev-parse', 'HEAD').trim()
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true })
  }

  #write(path: string, content: Content): void {
    mkdirSync(dirname(path), { recursive: true })
    if (typeof content === 'string' || content instanceof Uint8Array) writeFileSync(path, content)
    else if ('link' in content) symlinkSync(content.link, path)
    else {
      writeFileSync(path, content.program)
      chmodSync(path, 0o755)
    }
  }
}

/** What `git diff --numstat -z` says: of each path, lines added and deleted; null for a binary file. */
export function numstat(repository: Repository, ...range: string[]): Map<string, readonly [number, number] | null> {
  const fields = repository.git('diff', '--numstat', '-z', ...range).split('\0')
  const counts = new Map<string, readonly [number, number] | null>()
  while (fields.length > 1) {
    const [, added, deleted, path] = /^([^\t]+)\t([^\t]+)\t(.*)$/s.exec(fields.shift() as string) ?? []
    // Of a rename the path is empty, and two follow.
    const name = path === '' ? (fields.splice(0, 2)[1] as string) : (path as string)
    counts.set(name, added === '-' ? null : [Number(added), Number(deleted)])
  }
  return counts
}
