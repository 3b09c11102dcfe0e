import type { CloseReason } from '../platform/platform'
import { MAX_MESSAGE_CHARS } from '../protocol/constants'
import type { ErrorCode } from '../protocol/errors'
import type { BridgeState, Fatal } from '../protocol/native'
import { sentence } from '../shared/text'

/** Why the native channel is gone or never came to be. `fix` says what a person should do. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly fix: string
  /** The command that `fix` names, as it is typed. */
  readonly command: string | null
  readonly state: Exclude<BridgeState, 'ready'>
}

const DOCTOR = 'Run `longwire doctor`: it starts the host as the browser does and names what is wrong.'
const DOCTOR_COMMAND = 'longwire doctor'
const INSTALL_COMMAND = 'longwire install'

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
  command: DOCTOR_COMMAND,
  state: 'host-failed'
})
const unavailable = (state: Failure['state'], message: string, fix = DOCTOR, command = DOCTOR_COMMAND): Failure => ({
  code: 'HOST_UNAVAILABLE',
  message,
  fix,
  command,
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
        'Run `longwire install`, then try again.',
        INSTALL_COMMAND
      )
  },
  forbidden: {
    early: (extensionId) =>
      unavailable(
        'host-forbidden',
        `The Longwire host is not open to this extension (${extensionId}).`,
        'Run `longwire install`, which writes the right id.',
        INSTALL_COMMAND
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
    command: DOCTOR_COMMAND,
    state: 'host-failed'
  }
}

/** No frame for `silentMs` while streams live, although the host pings. */
export function hostSilent(silentMs: number): Failure {
  return {
    code: 'HOST_LOST',
    message: `The Longwire host fell silent for ${Math.round(silentMs / 1000)} s.`,
    fix: `The next request starts a new one. ${DOCTOR}`,
    command: DOCTOR_COMMAND,
    state: 'host-failed'
  }
}

/** WELCOME names another protocol version than this extension's. */
export function versionMismatch(ours: number, theirs: number): Failure {
  const message = `The Longwire extension speaks protocol ${ours}, the host protocol ${theirs}.`
  if (theirs < ours) return hostIsOlder(message)
  return {
    code: 'VERSION_MISMATCH',
    message,
    fix: 'Update the extension: load the folder that `longwire extension` prints, or reload it.',
    command: 'longwire extension',
    state: 'host-failed'
  }
}

function hostIsOlder(message: string): Failure {
  return {
    code: 'VERSION_MISMATCH',
    message,
    fix: 'Update the `longwire` package and run `longwire install`.',
    command: INSTALL_COMMAND,
    state: 'host-failed'
  }
}

/** A message that no stream can be blamed for, or one out of turn. */
export function hostSpokeNonsense(): Failure {
  return {
    code: 'PROTOCOL',
    message: 'The Longwire host sent a message that this extension does not understand.',
    fix: 'Update extension and host to the same version, then reload the extension.',
    command: null,
    state: 'host-failed'
  }
}

/** The host's answer to HELLO. One that does not understand it is older, and cannot say so itself. */
export function hostSaidNoWelcome(fatal: Fatal): Failure {
  return fatal.code === 'PROTOCOL' ? hostIsOlder(fatal.message) : hostSaidFatal(fatal)
}

/** The host's own last word. */
export function hostSaidFatal({ code, message, fix }: Fatal): Failure {
  return { code, message, fix, command: null, state: 'host-failed' }
}
