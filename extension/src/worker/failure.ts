import type { CloseReason } from '../platform/platform'
import { MAX_MESSAGE_CHARS } from '../protocol/constants'
import type { ErrorCode } from '../protocol/errors'
import type { BridgeState } from '../protocol/native'
import { sentence } from '../shared/text'

/** Why the native channel is gone or never came to be. `fix` says what a person should do. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly fix: string
  readonly state: Exclude<BridgeState, 'ready'>
}

const DOCTOR = 'Run `longwire doctor`: it starts the host as the browser does and names what is wrong.'

/** What a page reads: the failure and the way out of it, within the protocol's bound. */
export function describe(failure: Failure): string {
  return `${sentence(failure.message)} ${sentence(failure.fix)}`.slice(0, MAX_MESSAGE_CHARS)
}

/** What a reason of the browser means: before the host answered HELLO, and after, where that makes a difference. */
interface Meaning {
  readonly early: (extensionId: string) => Failure
  readonly late?: Failure
}

const lost = (message: string): Failure => ({
  code: 'HOST_LOST',
  message,
  fix: `The next request starts a new one. ${DOCTOR}`,
  state: 'host-failed'
})
const unavailable = (state: Failure['state'], message: string, fix = DOCTOR): Failure => ({
  code: 'HOST_UNAVAILABLE',
  message,
  fix,
  state
})

/** The host ended, without a reason of the browser's or with one that nobody knows. */
const ENDED: Meaning = {
  early: () => unavailable('host-failed', 'The Longwire host ended while it started.'),
  late: lost('The Longwire host ended.')
}

/**
 * Every reason for which a browser closes a native port. The texts of Chromium are those of `native_message_host.cc` and
 * `message_service.cc`; `tests/e2e/test_host_failures.py` makes it say each that it can be made to.
 */
const MEANINGS: Readonly<Record<CloseReason, Meaning>> = {
  'not-found': {
    early: () =>
      unavailable(
        'host-missing',
        'The Longwire host is not installed for this browser.',
        'Run `longwire install`, then try again.'
      )
  },
  forbidden: {
    early: (extensionId) =>
      unavailable(
        'host-forbidden',
        `The Longwire host is not open to this extension (${extensionId}).`,
        'Run `longwire install`, which writes the right id.'
      )
  },
  disabled: {
    early: () =>
      unavailable(
        'host-forbidden',
        'The administrator of this browser forbids the Longwire host.',
        'Have them add `com.longwire.host` to NativeMessagingAllowlist; `longwire doctor` says in which file.'
      )
  },
  'not-started': {
    early: () => unavailable('host-failed', 'The browser could not start the Longwire host.')
  },
  'bad-frame': {
    early: () =>
      unavailable('host-failed', 'Something other than a Longwire frame came from the host while it started.'),
    late: lost('The Longwire host ended, or sent a frame that the browser refused.')
  },
  exited: ENDED
}

/**
 * The failure behind a native port that closed; where the browser gives no reason it counts as a host that ended.
 *
 * @param welcomed the host had answered HELLO: what ended is then a working host
 */
export function failureOf(reason: CloseReason | undefined, welcomed: boolean, extensionId: string): Failure {
  const { early, late } = reason === undefined ? ENDED : MEANINGS[reason]
  return welcomed && late !== undefined ? late : early(extensionId)
}

/** No WELCOME within `waitedMs`. */
export function hostMute(waitedMs: number): Failure {
  return {
    code: 'HOST_UNAVAILABLE',
    message: `The Longwire host was started but said nothing for ${waitedMs / 1000} s.`,
    fix: DOCTOR,
    state: 'host-failed'
  }
}

/** No frame for `silentMs` while streams live, although the host pings. */
export function hostSilent(silentMs: number): Failure {
  return {
    code: 'HOST_LOST',
    message: `The Longwire host fell silent for ${Math.round(silentMs / 1000)} s.`,
    fix: `The next request starts a new one. ${DOCTOR}`,
    state: 'host-failed'
  }
}

/** WELCOME names another protocol version than this extension's. */
export function versionMismatch(ours: number, theirs: number): Failure {
  const older = theirs < ours ? 'host' : 'extension'
  return {
    code: 'VERSION_MISMATCH',
    message: `The Longwire extension speaks protocol ${ours}, the host protocol ${theirs}.`,
    fix:
      older === 'host'
        ? 'Update the `longwire` package and run `longwire install`.'
        : 'Update the extension: load the folder that `longwire extension` prints, or reload it.',
    state: 'host-failed'
  }
}

/** A frame that no stream can be blamed for, or one out of turn. */
export function hostSpokeNonsense(): Failure {
  return {
    code: 'PROTOCOL',
    message: 'The Longwire host sent a message that this extension does not understand.',
    fix: 'Update extension and host to the same version, then reload the extension.',
    state: 'host-failed'
  }
}
