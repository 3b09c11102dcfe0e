// Where a diff is read, of which no page shows more than its address says: servers of each kind, and forks.

import { expect, test } from 'vitest'
import type { Reference, SiteName, Subject } from '../../../src/writer/model'
import { bitbucket } from '../../../src/writer/sites/bitbucket'
import { forgejo } from '../../../src/writer/sites/forgejo'
import { github } from '../../../src/writer/sites/github'
import { gitlab } from '../../../src/writer/sites/gitlab'

const SITES = { bitbucket, forgejo, github, gitlab }
/** A document with nothing in it. */
const EMPTY = { querySelectorAll: () => [] } as unknown as Document

function urls(site: SiteName, origin: string, project: string, subject: Subject): string[] {
  const reference: Reference = { site, origin, project, subject }
  return SITES[site].diff(reference, EMPTY).map(({ by, url }) => `${by} ${url}`)
}

const number = (text: string): Subject => ({ kind: 'existing', number: text })
const branches = (base: string, head: string): Subject => ({ kind: 'new', base, head })

test.each<[SiteName, string, string, Subject, string[]]>([
  [
    'github',
    'https://github.com',
    'ann/tool',
    number('7'),
    [
      'host https://api.github.com/repos/ann/tool/pulls/7',
      'host https://api.github.com/repos/ann/tool/pulls/7/files?per_page=100',
      'page https://github.com/ann/tool/pull/7.diff'
    ]
  ],
  [
    'github',
    'https://acme.ghe.com',
    'ann/tool',
    branches('main', 'bob:topic/x'),
    [
      'host https://api.acme.ghe.com/repos/ann/tool/compare/main...bob%3Atopic%2Fx',
      'page https://acme.ghe.com/ann/tool/compare/main...bob%3Atopic/x.diff'
    ]
  ],
  [
    'github',
    'https://ghe.example:8443',
    'ann/tool',
    branches('HEAD', 'ü'),
    [
      'host https://ghe.example:8443/api/v3/repos/ann/tool/compare/HEAD...%C3%BC',
      'page https://ghe.example:8443/ann/tool/compare/HEAD...%C3%BC.diff'
    ]
  ],
  [
    'gitlab',
    'https://git.example',
    'a/b/c/tool',
    number('7'),
    [
      'host https://git.example/api/v4/projects/a%2Fb%2Fc%2Ftool/merge_requests/7/raw_diffs',
      'host https://git.example/api/v4/projects/a%2Fb%2Fc%2Ftool/merge_requests/7/diffs?per_page=100',
      'page https://git.example/a/b/c/tool/-/merge_requests/7.diff',
      'page https://git.example/api/v4/projects/a%2Fb%2Fc%2Ftool/merge_requests/7/diffs?per_page=100'
    ]
  ],
  [
    'gitlab',
    'https://gitlab.com',
    'a/tool',
    branches('main', '5:topic&x'),
    ['host', 'page'].map(
      (by) =>
        `${by} https://gitlab.com/api/v4/projects/5/repository/compare?from=main&to=topic%26x&from_project_id=a%2Ftool`
    )
  ],
  [
    'bitbucket',
    'https://bitbucket.org',
    'ann/tool',
    branches('main', 'bob/fork:topic'),
    [
      'host https://api.bitbucket.org/2.0/repositories/ann/tool/diff/bob%2Ffork%3Atopic..main?topic=true',
      'page https://bitbucket.org/!api/2.0/repositories/ann/tool/diff/bob%2Ffork%3Atopic..main?topic=true'
    ]
  ],
  [
    'forgejo',
    'https://codeberg.org',
    'ann/tool',
    branches('main', 'bob:topic'),
    ['host https://codeberg.org/api/v1/repos/ann/tool/compare/main...bob%3Atopic?output=diff']
  ]
])('%s at %s, %s %j', (site, origin, project, subject, expected) => {
  expect(urls(site, origin, project, subject)).toEqual(expected)
})
