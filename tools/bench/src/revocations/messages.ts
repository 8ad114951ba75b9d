/** Asks a process of this folder to do what it is there for. */
export interface Go {
  readonly kind: 'go'
}

/** What an index of so many entries takes, in bytes. */
export interface Held {
  readonly kind: 'held'
  readonly entries: number
  /** What the index itself says. */
  readonly bytes: number
  /** By which the process grew: what its heap and buffers take, and what of it is resident. */
  readonly used: number
  readonly resident: number
  readonly afterExpiry: { readonly entries: number; readonly used: number; readonly resident: number }
}

/** How long it took from nothing until so many endings were known and vouched for. */
export interface CaughtUp {
  readonly kind: 'caughtUp'
  readonly entries: number
  readonly elapsedMs: number
  /** Processor time of all threads. */
  readonly processorMs: number
}

const kindOf = (message: unknown): unknown =>
  typeof message === 'object' && message !== null && 'kind' in message ? message.kind : undefined

export const isGo = (message: unknown): message is Go => kindOf(message) === 'go'
export const isHeld = (message: unknown): message is Held => kindOf(message) === 'held'
export const isCaughtUp = (message: unknown): message is CaughtUp => kindOf(message) === 'caughtUp'

/** Does the work each time the parent asks for it, and ends with the parent. */
export function onGo(work: () => Promise<object>): void {
  process.once('disconnect', () => process.exit())
  process.on('message', (message: unknown) => {
    if (!isGo(message)) return
    work().then(
      (done) => process.send?.(done),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  })
  process.send?.({ kind: 'ready' })
}
