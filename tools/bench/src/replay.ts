/** Asks a process to read the log in a server's data folder from its start. Views are built in `scratch`. */
export interface Replay {
  readonly kind: 'replay'
  readonly what: 'decode' | 'rebuild'
  readonly data: string
  readonly scratch: string
}

export interface Replayed {
  readonly kind: 'replayed'
  readonly events: number
  readonly elapsedMs: number
}

const kindOf = (message: unknown): unknown =>
  typeof message === 'object' && message !== null && 'kind' in message ? message.kind : undefined

export const isReplay = (message: unknown): message is Replay => kindOf(message) === 'replay'
export const isReplayed = (message: unknown): message is Replayed => kindOf(message) === 'replayed'
