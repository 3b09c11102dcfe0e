import type { FileDiff } from '../../shared/unified-diff'

/** Files whose lines say little of why something was changed, by what they are called; the first that fits names the kind. */
const QUIET: readonly (readonly [kind: string, path: RegExp])[] = [
  [
    'a lock file',
    /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|deno\.lock|composer\.lock|Gemfile\.lock|Cargo\.lock|poetry\.lock|uv\.lock|pdm\.lock|Pipfile\.lock|requirements\.lock|go\.sum|flake\.lock|mix\.lock|pubspec\.lock|Podfile\.lock|Package\.resolved|packages\.lock\.json|gradle\.lockfile|\.terraform\.lock\.hcl)$/
  ],
  ['vendored', /(?:^|\/)(?:node_modules|bower_components|vendor|third_party|third-party|Pods)\//],
  ['minified', /[.-]min\.(?:js|css|mjs|cjs)$|\.(?:js|css)\.map$/],
  [
    'generated',
    /(?:^|\/)(?:dist|__generated__|generated)\/|\.(?:pb\.(?:go|cc|h)|g\.dart|freezed\.dart|designer\.cs)$|_pb2(?:_grpc)?\.pyi?$|[._-]generated\.\w+$/i
  ],
  ['a snapshot', /(?:^|\/)__snapshots__\/|\.snap$/]
]

/** A line by which a generator says that it wrote a file, as Go's tools, protoc, GraphQL's and many others do. */
const SAYS_GENERATED =
  /^[+ ][^\w\n]*(?:@generated\b|Code generated .* DO NOT EDIT|(?:This file is )?(?:auto-?)?generated\b.*do not edit)/im

/** No one writes lines of that length; UTF-16 units. */
const LONG_LINE = 5_000

/** What kind of little telling file it is; null for one that people write. */
export function quietKindOf(file: FileDiff): string | null {
  if (file.binary) return 'binary'
  const named = QUIET.find(([, path]) => path.test(file.path))
  if (named !== undefined) return named[0]
  const beginning = file.hunks[0]?.text ?? ''
  if (SAYS_GENERATED.test(beginning.slice(0, 2_000))) return 'generated'
  return beginning.split('\n', 20).some((line) => line.length > LONG_LINE) ? 'minified' : null
}
