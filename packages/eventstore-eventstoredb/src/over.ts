/** An aborted signal as a variable. */
export interface Over extends Disposable {
  readonly isOver: boolean
  /** Told when it is. */
  onOver: (() => void) | undefined
}

/**
 * A signal that is made of others looks at all of them whenever it is asked, and a subscription asks for each of a million
 * events.
 */
export function overWith(signal: AbortSignal): Over {
  let isOver = signal.aborted
  const end = (): void => {
    isOver = true
    over.onOver?.()
  }
  const over: Over = {
    get isOver() {
      return isOver
    },
    onOver: undefined,
    [Symbol.dispose]: () => signal.removeEventListener('abort', end),
  }
  signal.addEventListener('abort', end)
  return over
}
