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

/**
 * The failure behind `runtime.lastError` of a native port that closed. The texts are Chromium's own, from
 * `native_message_process_host.cc`; an unknown one counts as a host that failed.
 *
 * @param welcomed the host had answered HELLO: what ended is then a working host
 */
export function failureOf(lastError: string | undefined, welcomed: boolean, extensionId: string): Failure {
  switch (lastError) {
    case 'Specified native messaging host not found.':
      return {
        code: 'HOST_UNAVAILABLE',
        message: 'The Longwire host is not installed for this browser.',
        fix: 'Run `longwire install`, then try again.',
        state: 'host-missing'
      }
    case 'Access to the specified native messaging host is forbidden.':
      return {
        code: 'HOST_UNAVAILABLE',
        message: `The Longwire host is not open to this extension (${extensionId}).`,
        fix: 'Run `longwire install` again. If it stays so, the NativeMessagingBlocklist policy of this browser forbids it.',
        state: 'host-forbidden'
      }
    case 'Failed to start native messaging host.':
      return {
        code: 'HOST_UNAVAILABLE',
        message: 'The browser could not start the Longwire host.',
        fix: DOCTOR,
        state: 'host-failed'
      }
    default:
      return welcomed ? hostLost(lastError) : hostEndedEarly(lastError)
  }
}

function hostEndedEarly(lastError: string | undefined): Failure {
  const what =
    lastError === 'Error when communicating with the native messaging host.'
      ? 'Something other than a Longwire frame came from the host while it started.'
      : 'The Longwire host ended while it started.'
  return { code: 'HOST_UNAVAILABLE', message: what, fix: DOCTOR, state: 'host-failed' }
}

function hostLost(lastError: string | undefined): Failure {
  const what =
    lastError === 'Error when communicating with the native messaging host.'
      ? 'The Longwire host ended, or sent a frame that the browser refused.'
      : 'The Longwire host ended.'
  return { code: 'HOST_LOST', message: what, fix: `The next request starts a new one. ${DOCTOR}`, state: 'host-failed' }
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
