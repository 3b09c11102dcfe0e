/** The longest wait that timers know: 24.8 days. They take a longer one for none at all. */
const MAX_TIMER_MS = 2 ** 31 - 1

export type Timer = ReturnType<typeof setTimeout>

/** A wait as a timer can keep it: whoever asks for longer gets the longest there is. */
export function clampDelay(milliseconds: number): number {
  return Math.min(milliseconds, MAX_TIMER_MS)
}

/** The one way to wait here: `task` after `milliseconds`, however many those are. */
export function later(task: () => void, milliseconds: number): Timer {
  return setTimeout(task, clampDelay(milliseconds))
}

/**
 * `promise`, or a rejection with what `expired` gives after `milliseconds`, or with the signal's reason, whichever is first.
 */
export function within<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  milliseconds = Infinity,
  expired?: () => unknown
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => finish(() => reject(signal.reason))
    const timer = milliseconds === Infinity ? 0 : later(() => finish(() => reject(expired?.())), milliseconds)
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      settle()
    }
    promise.then(
      (value) => finish(() => resolve(value)),
      (error: unknown) => finish(() => reject(error))
    )
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort)
  })
}

/**
 * Resolves after `milliseconds`; rejects with the signal's reason.
 *
 * @param wakeable is given what ends the wait sooner
 */
export function pause(milliseconds: number, signal: AbortSignal, wakeable?: (wake: () => void) => void): Promise<void> {
  let timer: Timer | undefined
  const slept = new Promise<void>((resolve) => {
    timer = later(resolve, milliseconds)
    wakeable?.(resolve)
  })
  return within(slept, signal).finally(() => clearTimeout(timer))
}
