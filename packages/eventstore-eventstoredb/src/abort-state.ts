/** The state of an abort signal, cheap to check. */
export interface AbortState extends Disposable {
  readonly isAborted: boolean
  /** Called when it is aborted. */
  onAbort: (() => void) | undefined
}

/**
 * A signal composed by `AbortSignal.any` checks all its sources on each access, and a subscription checks it for each event.
 */
export function trackAbort(signal: AbortSignal): AbortState {
  let isAborted = signal.aborted
  const end = (): void => {
    isAborted = true
    abort.onAbort?.()
  }
  const abort: AbortState = {
    get isAborted() {
      return isAborted
    },
    onAbort: undefined,
    [Symbol.dispose]: () => signal.removeEventListener('abort', end),
  }
  signal.addEventListener('abort', end)
  return abort
}
