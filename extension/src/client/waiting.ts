/** The longest wait that timers know. */
const MAX_TIMER_MS = 2 ** 31 - 1

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
    const timer = milliseconds <= MAX_TIMER_MS ? setTimeout(() => finish(() => reject(expired?.())), milliseconds) : 0
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

/** Resolves after `milliseconds`; rejects with the signal's reason. */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const slept = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(milliseconds, MAX_TIMER_MS))
  })
  return within(slept, signal).finally(() => clearTimeout(timer))
}
