/** Why an event store did not do as asked. `code` is stable; the message may change. */
export abstract class EventStoreError<Code extends string> extends Error {
  abstract readonly code: Code

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** The stream is not at the expected revision. `actual` is the revision it has, or `noStream`. */
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

/** The events may or may not have been written. The same call again settles it. */
export class UnknownOutcome extends EventStoreError<'ERR_UNKNOWN_OUTCOME'> {
  readonly code = 'ERR_UNKNOWN_OUTCOME'
}

/** The store cannot take this now; nothing was written. `retryAfter` is in seconds. */
export class Unavailable extends EventStoreError<'ERR_UNAVAILABLE'> {
  readonly code = 'ERR_UNAVAILABLE'
  readonly retryAfter: number

  constructor(message: string, options?: ErrorOptions & { retryAfter?: number }) {
    super(message, options)
    this.retryAfter = options?.retryAfter ?? 1
  }
}

/** An event or an append is larger than every store can keep. */
export class TooLarge extends EventStoreError<'ERR_TOO_LARGE'> {
  readonly code = 'ERR_TOO_LARGE'
}

/** The store takes this append neither now nor later: its stream was ended for ever, or it is malformed. Nothing was written. */
export class AppendRefused extends EventStoreError<'ERR_APPEND_REFUSED'> {
  readonly code = 'ERR_APPEND_REFUSED'
}

/** A text names no place in the log of this store. The text is not repeated: it came from anywhere. */
export class InvalidPosition extends EventStoreError<'ERR_INVALID_POSITION'> {
  readonly code = 'ERR_INVALID_POSITION'

  constructor(message = 'no position of this log', options?: ErrorOptions) {
    super(message, options)
  }
}

/** The stream has no event. */
export class StreamNotFound extends EventStoreError<'ERR_STREAM_NOT_FOUND'> {
  readonly code = 'ERR_STREAM_NOT_FOUND'
  readonly stream: string

  constructor(stream: string, options?: ErrorOptions) {
    super(`stream ${stream} has no event`, options)
    this.stream = stream
  }
}
