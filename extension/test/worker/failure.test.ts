// Each way in which a host is not there: which code, which state, and what a person should do.

import { describe, expect, test } from 'vitest'
import { families } from '../../../manifests/browsers.json'
import { reasonOf } from '../../src/platform/closing'
import { MAX_MESSAGE_CHARS } from '../../src/protocol/constants'
import { ERRORS } from '../../src/protocol/errors'
import {
  describe as describeFailure,
  type Failure,
  failureOf,
  hostMute,
  hostSilent,
  hostSpokeNonsense,
  versionMismatch
} from '../../src/worker/failure'

const ID = 'flafilfjcooomhoadlnfjondkibchmmc'

// Chromium's own texts, as they stand in its program.
const NOT_FOUND = 'Specified native messaging host not found.'
const FORBIDDEN = 'Access to the specified native messaging host is forbidden.'
const DISABLED = 'Access to the native messaging host was disabled by the system administrator.'
const NOT_STARTED = 'Failed to start native messaging host.'
const EXITED = 'Native host has exited.'
const BAD_FRAME = 'Error when communicating with the native messaging host.'

describe('a port that closed', () => {
  test.each<[string | undefined, boolean, Failure['code'], Failure['state'], string]>([
    [NOT_FOUND, false, 'HOST_UNAVAILABLE', 'host-missing', 'longwire install'],
    [NOT_FOUND, true, 'HOST_UNAVAILABLE', 'host-missing', 'longwire install'],
    [FORBIDDEN, false, 'HOST_UNAVAILABLE', 'host-forbidden', ID],
    [DISABLED, false, 'HOST_UNAVAILABLE', 'host-forbidden', 'NativeMessagingAllowlist'],
    [DISABLED, true, 'HOST_UNAVAILABLE', 'host-forbidden', 'The administrator of this browser'],
    ['constructor', false, 'HOST_UNAVAILABLE', 'host-failed', 'ended while it started'],
    [NOT_STARTED, false, 'HOST_UNAVAILABLE', 'host-failed', 'longwire doctor'],
    [EXITED, false, 'HOST_UNAVAILABLE', 'host-failed', 'ended while it started'],
    [BAD_FRAME, false, 'HOST_UNAVAILABLE', 'host-failed', 'Something other than a Longwire frame'],
    ['Whatever comes next.', false, 'HOST_UNAVAILABLE', 'host-failed', 'longwire doctor'],
    [undefined, false, 'HOST_UNAVAILABLE', 'host-failed', 'longwire doctor'],
    [EXITED, true, 'HOST_LOST', 'host-failed', 'The Longwire host ended.'],
    [BAD_FRAME, true, 'HOST_LOST', 'host-failed', 'a frame that the browser refused'],
    [undefined, true, 'HOST_LOST', 'host-failed', 'starts a new one']
  ])('with %j, welcomed: %j', (text, welcomed, code, state, says) => {
    const failure = failureOf(reasonOf(families.chromium.errors, text), welcomed, ID)
    expect(failure).toMatchObject({ code, state })
    expect(describeFailure(failure)).toContain(says)
  })
})

test('every text of the browser is one of those here, and no two mean the same', () => {
  const texts = [NOT_FOUND, FORBIDDEN, DISABLED, NOT_STARTED, EXITED, BAD_FRAME]
  expect(Object.values(families.chromium.errors).sort()).toEqual(texts.sort())
})

test('parts that the host wrote are read as sentences', () => {
  const fatal = {
    code: 'VERSION_MISMATCH',
    message: 'it speaks 2',
    fix: 'update it',
    command: null,
    state: 'host-failed'
  } as const
  expect(describeFailure(fatal)).toBe('It speaks 2. Update it.')
})

test('the side that is older is the one to update', () => {
  expect(versionMismatch(2, 1).fix).toContain('`longwire` package')
  expect(versionMismatch(1, 2).fix).toContain('Update the extension')
})

test('every failure has a code of the list and a way out, within what a message may hold', () => {
  const all = [hostMute(10_000), hostSilent(45_012), versionMismatch(1, 2), hostSpokeNonsense()]
  for (const failure of all) {
    expect(ERRORS).toHaveProperty(failure.code)
    expect(failure.fix).not.toBe('')
    expect(describeFailure(failure).length).toBeLessThanOrEqual(MAX_MESSAGE_CHARS)
  }
  expect(hostMute(10_000).message).toContain('10 s')
  expect(hostSilent(45_012).message).toContain('45 s')
})

test('what a host says of its end is cut to what a message may hold', () => {
  const fatal: Failure = {
    code: 'PROTOCOL',
    message: 'm'.repeat(900),
    fix: 'f'.repeat(900),
    command: null,
    state: 'host-failed'
  }
  expect(describeFailure(fatal)).toBe(`M${'m'.repeat(899)}. F${'f'.repeat(97)}`)
})
