/** The error of a call to an event store. `code` is stable; the message may change. */
export abstract class EventStoreError<Code extends string> extends Error {
  abstract readonly code: Code

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** The stream is not at the expected revision. `actual` is its revision, or `noStream`. */
export class Conflict extends EventStoreError<'ERR_CONFLICT'> {
  readonly code = 'ERR_CONFLICT'
  readonly stream: string
  readonly actual: bigint | 'noStream'

  constructor(stream: string, actual: bigint | 'noStream', options?: ErrorOptions) {
    super(`stream ${stream} is at revision ${actual}`, options)
    this.stream = stream
    this.actual = actual
  }
}

/** The events may or may not have been written. Repeat the same call to find out. */
export class UnknownOutcome extends EventStoreError<'ERR_UNKNOWN_OUTCOME'> {
  readonly code = 'ERR_UNKNOWN_OUTCOME'
}

/** The store cannot answer now; nothing was written. `retryAfter` is in seconds. */
export class Unavailable extends EventStoreError<'ERR_UNAVAILABLE'> {
  readonly code = 'ERR_UNAVAILABLE'
  readonly retryAfter: number

  constructor(message: string, options?: ErrorOptions & { retryAfter?: number }) {
    super(message, options)
    this.retryAfter = options?.retryAfter ?? 1
  }
}

/** An event or an append exceeds the limits that hold for every store. */
export class TooLarge extends EventStoreError<'ERR_TOO_LARGE'> {
  readonly code = 'ERR_TOO_LARGE'
}

/** The store will never accept this append: its stream has a tombstone, or it is malformed. Nothing was written. */
export class AppendRefused extends EventStoreError<'ERR_APPEND_REFUSED'> {
  readonly code = 'ERR_APPEND_REFUSED'
}

/** A text is not a position of this store. The message does not repeat the text, because it may come from a client. */
export class InvalidPosition extends EventStoreError<'ERR_INVALID_POSITION'> {
  readonly code = 'ERR_INVALID_POSITION'

  constructor(message = 'not a position of this log', options?: ErrorOptions) {
    super(message, options)
  }
}

/** The stream has no event. */
export class StreamNotFound extends EventStoreError<'ERR_STREAM_NOT_FOUND'> {
  readonly code = 'ERR_STREAM_NOT_FOUND'
  readonly stream: string

  constructor(stream: string, options?: ErrorOptions) {
    super(`stream ${stream} has no events`, options)
    this.stream = stream
  }
}
