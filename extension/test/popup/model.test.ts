// What the popup shows for each state of bridge, policy, page and permission.

import { expect, test } from 'vitest'
import { permissionFor, viewOf } from '../../src/popup/model'
import type { Site } from '../../src/popup/site'
import type { BridgeReport, Snapshot } from '../../src/shared/popup'
import {
  type Failure,
  failureOf,
  hostMute,
  hostSilent,
  hostSpokeNonsense,
  versionMismatch
} from '../../src/worker/failure'

const ORIGIN = 'https://chat.example.com'
const SITE: Site = { tab: 1, origin: ORIGIN, refusal: '', private: false }
const UP: BridgeReport = { kind: 'up', policyInvalid: false, host: '1.2.3', protocol: 1, fix: undefined }
const POLICY = { state: 'ok', digest: 'd', pages: ['https://*.example.com'] } as const

function snapshot(fields: Partial<Snapshot> = {}): Snapshot {
  const policy = { ...POLICY, pages: [...POLICY.pages] }
  const quiet = { waitsFor: null, unconfirmed: false, denied: null, providers: [], obstacles: [], at: 0 } as const
  return {
    ...quiet,
    tab: 1,
    bridge: UP,
    policy,
    destinations: [],
    streams: [],
    off: [],
    today: { streams: 0, bytes: 0, errors: 0 },
    ...fields
  }
}

const view = (fields: Partial<Snapshot> = {}, site: Partial<Site> = {}, permitted: boolean | undefined = true) =>
  viewOf({ ...SITE, ...site }, snapshot(fields), permitted, '1.2.4')

const down = (failure: Failure): BridgeReport => ({ kind: 'down', ...failure })

test('nothing heard yet', () => {
  const shown = viewOf(SITE, null, undefined, '1.2.4')
  expect(shown.badge).toEqual({ tone: 'busy', text: 'Connecting' })
  expect(shown).toMatchObject({ problem: null, verdict: null, permission: null, versions: 'Extension 1.2.4' })
})

test.each([
  ['settings', 'Waiting for the browser’s storage'],
  ['permission', 'Waiting for the browser’s permission'],
  ['host', 'Starting the host']
] as const)('what waits for %s says so', (waitsFor, title) => {
  const shown = view({ bridge: { kind: 'asking' }, waitsFor })
  expect(shown.badge).toEqual({ tone: 'busy', text: 'Connecting' })
  expect(shown.problem).toEqual({ title, text: expect.stringMatching(/\.$/), command: null })
  // Once there is an answer, that is what is shown.
  expect(view({ waitsFor }).problem).toBeNull()
})

test('what is not certain yet is said, whatever else there is to say', () => {
  expect(view().note).toBeNull()
  for (const bridge of [UP, { kind: 'asking' } as const]) {
    expect(view({ bridge, unconfirmed: true }).note).toContain('What was last known holds until then')
  }
})

test('granted: to where', () => {
  const shown = view({ destinations: ['https://api.example.com/v1/'] })
  expect(shown.badge).toEqual({ tone: 'good', text: 'Ready' })
  const destinations = [{ text: 'https://api.example.com/v1/', blocked: false }]
  expect(shown.verdict).toMatchObject({ tone: 'good', destinations, suggestion: null })
  expect(shown.versions).toBe('Host 1.2.3 · Protocol 1 · Extension 1.2.4')
})

test('not granted: the lines, with an example of a destination', () => {
  const { verdict } = view()
  expect(verdict?.title).toBe('No grant names this page')
  expect(verdict?.text).toContain('with the server that it needs as the destination')
  expect(verdict?.suggestion).toMatchObject({ example: true })
  expect(verdict?.suggestion?.lines).toContain(`pages = ["${ORIGIN}"]`)
})

test('not granted, and a request was refused: the lines for it', () => {
  const { verdict } = view({ denied: { method: 'POST', url: 'https://api.other.example/v1/chat?key=1' } })
  expect(verdict?.text).toContain('`POST https://api.other.example/v1/chat`')
  expect(verdict?.text).not.toContain('key=1')
  expect(verdict?.suggestion?.lines).toContain('destinations = ["https://api.other.example/v1/"]')
})

test('granted, but another request was refused: both', () => {
  const { verdict } = view({
    destinations: ['https://api.example.com/'],
    denied: { method: 'GET', url: 'https://api.other.example/' }
  })
  expect(verdict?.destinations).toHaveLength(1)
  expect(verdict?.text).toContain('Refused: `GET https://api.other.example/`')
  expect(verdict?.suggestion?.example).toBe(false)
})

test('no policy yet: how the file begins', () => {
  const { badge, verdict } = view({ policy: { state: 'missing', digest: 'none', pages: [] } })
  expect(badge).toEqual({ tone: 'warn', text: 'No policy' })
  expect(verdict?.text).toContain('`longwire policy show`')
  expect(verdict?.suggestion?.lines).toMatch(/^version = 1\n\n\[\[grant]]\n/)
})

test('nothing is in force, for a reason that the host names', () => {
  const { badge, verdict } = view({ bridge: { ...UP, fix: 'it is switched off' }, policy: { ...POLICY, pages: [] } })
  expect(verdict).toMatchObject({ title: 'Nothing is open', text: 'It is switched off.', suggestion: null })
  expect(badge).toEqual({ tone: 'bad', text: 'Nothing open' })
})

test('a broken policy: file, line and field, and no verdict', () => {
  const problem = 'policy.toml: line 2, field grant[0]: the key "pages" is missing'
  const bridge: BridgeReport = { ...UP, policyInvalid: true, fix: 'mend it' }
  const shown = view({ bridge, policy: { state: 'invalid', digest: 'd', pages: [], problem } })
  expect(shown.badge).toEqual({ tone: 'bad', text: 'Policy broken' })
  expect(shown.problem?.text).toContain(problem)
  expect(shown.verdict).toBeNull()
  expect(view({ bridge, policy: null }).problem?.text).toContain('mend it')
})

test.each([
  ['not-found', 'Not installed', 'The host is not installed', 'longwire install'],
  ['forbidden', 'Forbidden', 'The browser forbids the host', 'longwire install'],
  ['not-started', 'Not working', 'The host does not work', 'longwire doctor'],
  ['exited', 'Not working', 'The host does not work', 'longwire doctor']
] as const)('%s', (reason, badge, title, command) => {
  const failure = failureOf(reason, false, 'id')
  const shown = view({ bridge: down(failure) })
  expect(shown.badge).toEqual({ tone: 'bad', text: badge })
  expect(shown.problem).toEqual({ title, text: `${failure.message} ${failure.fix}`, command })
  expect(shown.verdict).toBeNull()
  expect(shown.versions).toBe('Extension 1.2.4')
})

test.each([
  ['the host is older', versionMismatch(2, 1), 'Extension and host do not match', 'longwire install'],
  ['the extension is older', versionMismatch(1, 2), 'Extension and host do not match', 'longwire extension'],
  ['a mute host', hostMute(10_000), 'The host does not work', 'longwire doctor'],
  ['nonsense', hostSpokeNonsense(), 'The host does not work', null]
])('%s', (_, failure, title, command) => {
  const shown = view({ bridge: down(failure) })
  expect(shown.badge.tone).toBe('bad')
  expect(shown.problem).toMatchObject({ title, command })
})

test.each([failureOf(undefined, true, 'id'), hostSilent(45_000)])('a host that ended comes again', (failure) => {
  const shown = view({ bridge: down(failure) })
  expect(shown.badge).toEqual({ tone: 'warn', text: 'Host ended' })
  expect(shown.problem?.text).toContain('The next request starts a new one.')
})

test('a page that cannot be served says why, whatever the bridge does', () => {
  for (const bridge of [UP, down(hostMute(1)), { kind: 'asking' } as const]) {
    const { verdict, permission } = view({ bridge }, { origin: null, refusal: 'Not this one.' })
    expect(verdict).toMatchObject({ title: 'This page cannot be served', text: 'Not this one.', suggestion: null })
    expect(permission).toBeNull()
  }
})

test('a suspended secret: what happened, and the command that lifts it', () => {
  const fix = 'the secret "key" is suspended for this page. Run `longwire policy release \'chat bot\'`; that lifts it'
  const denied = { method: 'GET', url: 'https://api.example.com/v2' }
  const destinations = ['https://api.example.com/']
  const command = "longwire policy release 'chat bot'"
  const obstacles = [{ destinations, code: 'SECRET_REFLECTED', message: fix, command } as const]
  const { verdict } = view({ bridge: { ...UP, fix }, destinations, obstacles: [...obstacles], denied })
  expect(verdict).toMatchObject({ tone: 'bad', title: 'A secret is suspended for this page' })
  expect(verdict?.destinations).toEqual([{ text: 'https://api.example.com/', blocked: true }])
  expect(verdict?.text).toContain('The secret "key" is suspended')
  expect(verdict?.suggestion?.lines).toBe("longwire policy release 'chat bot'")
})

test('something is missing for some of it: which, and what', () => {
  const message = 'secret "key" does not exist; `longwire secret list` says where it is looked for'
  const [works, fails] = ['https://a.example/', 'https://b.example/']
  const obstacles = [
    { destinations: [fails], code: 'SECRET_UNAVAILABLE' as const, message, command: 'longwire secret list' }
  ]
  const some = view({ destinations: [works, fails], obstacles })
  expect(some.badge).toEqual({ tone: 'warn', text: 'Not all works' })
  expect(some.verdict).toMatchObject({ title: 'A secret is missing', suggestion: { lines: 'longwire secret list' } })
  expect(some.verdict?.destinations.map(({ blocked }) => blocked)).toEqual([false, true])
  expect(view({ destinations: [fails], obstacles }).badge).toEqual({ tone: 'bad', text: 'Not working' })
})

test('a page that may generate sees with whom, and which of them would not answer', () => {
  const providers = [
    { name: 'openai', models: ['gpt-5*', 'o4-mini'] },
    { name: 'local', models: ['llama*'] }
  ]
  const alone = view({ providers })
  expect(alone.badge).toEqual({ tone: 'good', text: 'Ready' })
  expect(alone.verdict).toMatchObject({
    title: 'This page may generate with',
    destinations: [
      { text: 'openai: gpt-5*, o4-mini', blocked: false },
      { text: 'local: llama*', blocked: false }
    ]
  })
  const failing = [
    { destinations: [], providers: ['openai'], code: 'SECRET_UNAVAILABLE' as const, message: 'm', command: 'c' }
  ]
  const some = view({ providers, obstacles: failing })
  expect(some.badge).toEqual({ tone: 'warn', text: 'Not all works' })
  expect(some.verdict?.destinations.map(({ blocked }) => blocked)).toEqual([true, false])
  const both = view({ providers, destinations: ['https://a.example/'] }).verdict
  expect(both?.title).toBe('This page may stream to')
  expect(both?.destinations).toHaveLength(3)
})

test('nothing is green where something is missing', () => {
  const destinations = ['https://api.example.com/']
  const obstacles = [{ destinations, code: 'UPSTREAM_TLS' as const, message: 'm' }]
  const lacking = [
    view(),
    view({ policy: { state: 'missing', digest: 'none', pages: [] } }),
    view({ bridge: { ...UP, fix: 'off' } }),
    view({ destinations, obstacles }),
    view({ destinations, denied: { method: 'GET', url: 'https://api.example.com/' } }),
    view({ destinations }, {}, false),
    view({ destinations }, { origin: null, refusal: 'r' })
  ]
  for (const { badge, verdict } of lacking) expect([badge.tone, verdict?.tone]).not.toContain('good')
  expect(view({ destinations }).badge).toEqual({ tone: 'good', text: 'Ready' })
})

test('where the worker answers for the host, no host is told of', () => {
  const shown = view({ bridge: { ...UP, host: '', protocol: 0, fix: 'The administrator switched it off.' } })
  expect(shown.versions).toBe('Extension 1.2.4')
  expect(shown.verdict).toMatchObject({ tone: 'bad', text: 'The administrator switched it off.' })
})

test('a user’s file that does not count is named', () => {
  expect(view({ policy: { ...POLICY, pages: [], silenced: '/home/u/policy.toml' } }).note).toContain(
    '/home/u/policy.toml'
  )
})

test('what a server’s grant lacks is the host’s to say, by a command that any shell takes as it is', () => {
  const destinations = ['https://api.example.com/v1/']
  const lines = (url: string, method = 'GET') =>
    view({ destinations, denied: { method, url } }).verdict?.suggestion?.lines
  expect(lines('https://api.example.com/v2/x?a=b&c')).toBe(
    `longwire policy check --page ${ORIGIN} --url https://api.example.com/v2/x --method GET`
  )
  for (const hostile of ['$(x)', "a'b", 'a&calc', 'a;b', 'a%20b', '!!']) {
    expect(lines(`https://api.example.com/v2/${hostile}`)).toMatch(/^\[\[grant]]/)
  }
})

test('what no lines would allow has none', () => {
  const patch = view({ denied: { method: 'patch', url: 'https://api.example.com/' } }).verdict
  expect(patch).toMatchObject({ suggestion: null })
  expect(patch?.text).toContain('has to write `PATCH`')
  const metadata = view({ denied: { method: 'GET', url: 'http://169.254.169.254/' } }).verdict
  expect(metadata).toMatchObject({ suggestion: null })
  expect(metadata?.text).toContain('No grant can open that address')
})

test('a private window: no grant for it, though there is one for the page', () => {
  const { verdict } = view({}, { private: true })
  expect(verdict?.title).toBe('Not in private windows')
  expect(verdict?.suggestion?.lines).toBe('private_windows = true')
})

test('a private window and no grant at all: the lines say so too', () => {
  const { verdict } = view({ policy: { ...POLICY, pages: [] } }, { private: true })
  expect(verdict?.title).toBe('No grant names this page')
  expect(verdict?.suggestion?.lines).toContain('\nprivate_windows = true')
})

// --- the browser permission -----------------------------------------------------------------------------------------

const destinations = ['https://api.example.com/']

test.each([
  ['granted and not permitted: asked for', { destinations }, false, 'https://*.example.com/*'],
  ['granted and permitted: not asked for', { destinations }, true, null],
  ['not known yet: not asked for', { destinations }, undefined, null],
  ['not granted: not asked for', {}, false, null],
  ['no host: not asked for', { destinations, bridge: down(hostMute(1)) }, false, null]
])('%s', (_, fields, permitted, permission) => {
  const shown = viewOf(SITE, snapshot(fields), permitted, '')
  expect(shown.permission).toBe(permission)
  // Nothing says that the page may stream before it may.
  if (permission !== null)
    expect(shown.verdict).toMatchObject({ tone: 'warn', title: 'Once allowed, it may stream to' })
})

test.each([
  ['https://chat.example.com', ['https://a.example', 'https://chat.example.com'], 'https://chat.example.com/*'],
  ['http://site.example:8080', ['http://site.example:*'], 'http://site.example/*'],
  ['http://site.example:8080', ['http://site.example'], null],
  ['https://example.com', ['https://*.example.com'], null],
  ['https://chat.example.com', ['not a pattern', 'http://chat.example.com'], null]
])('the permission for %s by %j', (origin, pages, permission) => {
  expect(permissionFor(origin, snapshot({ policy: { ...POLICY, pages } }))).toBe(permission)
})

// --- the writer -----------------------------------------------------------------------------------------------------

const WITH_WRITER = { policy: { ...POLICY, pages: [], writer: [ORIGIN] } }

test('a page that has the writer and nothing else says so, and asks for the permission that the writer needs', () => {
  const shown = view(WITH_WRITER)
  expect(shown.badge).toEqual({ tone: 'good', text: 'Writer' })
  expect(shown.verdict).toMatchObject({ title: 'The writer is on this page', suggestion: null })
  expect(shown.note).toBeNull()
  const missing = view(WITH_WRITER, {}, false)
  expect(missing.permission).toBe(`${ORIGIN}/*`)
  expect(missing.verdict).toMatchObject({ title: 'Once allowed, the writer is on this page', tone: 'warn' })
})

test('beside grants of the page the writer is a note, and what the page was refused is told as ever', () => {
  const granted = { ...WITH_WRITER, destinations: ['https://api.example.com/v1/'] }
  expect(view(granted).badge.text).toBe('Ready')
  expect(view(granted).note).toContain('The writer is on this page, too')
  const denied = { method: 'POST', url: 'https://api.other.example/v1/chat' }
  expect(view({ ...WITH_WRITER, denied }).verdict?.title).toBe('No grant names this page')
})

test('on other pages the writer is nothing', () => {
  const shown = view(WITH_WRITER, { origin: 'https://other.example' }, false)
  expect(shown).toMatchObject({ permission: null, note: null })
  expect(shown.verdict?.title).toBe('No grant names this page')
})
