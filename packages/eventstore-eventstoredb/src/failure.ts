import { ErrorType, isCommandError, WrongExpectedVersionError } from '@eventstore/db-client'
import {
  AppendRefused,
  Conflict,
  type ExpectedRevision,
  InvalidPosition,
  StreamNotFound,
  TooLarge,
  Unavailable,
  UnknownOutcome,
} from '@ledgate/eventsourcing'
import { type Cause, causeOf, sentenceOf } from './cause.ts'

/** What to do with the connection after a failed call. */
export type Advice =
  /** Retry: the client has learned the leader and sends the next call there. */
  | 'again'
  /** Reconnect to the cluster: the node is silent, or does not know the leader. */
  | 'reconnect'
  /** Neither another node nor another attempt would change the result. */
  | 'none'

/** The message of grpc-js, and ours, for a call that was not sent. */
export const NO_CONNECTION = 'No connection established'
/** The messages of a server that refuses before it looks (RpcExceptions.cs, Streams.BatchAppend.cs), and of grpc-js without a connection. */
const NEVER_TAKEN = new RegExp(`Server Is Not Ready|Server Is (?:Too )?Busy|${NO_CONNECTION}|Name resolution failed`)

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const typeOf = (error: unknown): ErrorType | undefined =>
  error instanceof Error && isCommandError(error) ? error.type : undefined

/** Whether a stream has a tombstone; an append that expects it to exist gets the same error for a deleted one. */
export const isStreamDeleted = (error: unknown): boolean => typeOf(error) === ErrorType.STREAM_DELETED

const isLeaderless = (error: unknown): boolean => /No leader info|Failed to discover/.test(textOf(error))

/** A stale node, which lacks events without knowing it: a leader that was paused, a follower that receives nothing. */
export class LeftBehind extends Error {
  constructor() {
    super('the node is stale: it lacks events that were written')
  }
}

/** What to do before the next attempt of a call that failed with this error. */
export function adviceOn(error: unknown): Advice {
  const type = typeOf(error)
  if (error instanceof LeftBehind) return 'reconnect'
  if (type === ErrorType.NOT_LEADER) return 'again'
  if (type === ErrorType.UNAVAILABLE || type === ErrorType.CANCELLED) return 'again' // the client drops the node itself
  if (type === ErrorType.TIMEOUT) return 'again'
  if (type === ErrorType.DEADLINE_EXCEEDED || isLeaderless(error) || NEVER_TAKEN.test(textOf(error))) return 'reconnect'
  return 'none'
}

/** The store cannot be used; the message tells operators why. */
export class ServerUnusable extends Unavailable {
  readonly why: Cause

  constructor(error: unknown, isWriting: boolean) {
    const why = causeOf(error, isWriting)
    super(sentenceOf(why, error), { cause: error })
    this.why = why
  }
}

/**
 * Whether the server certainly wrote nothing. The error that it does not lead is no such proof: it ends the whole call, whose
 * appends may have been written before the node lost the lead.
 */
function isUnwritten(error: unknown): boolean {
  const type = typeOf(error)
  return type === ErrorType.ACCESS_DENIED || isLeaderless(error) || NEVER_TAKEN.test(textOf(error))
}

/** The server's errors for an append that no node will ever accept (Grpc/Status.cs). */
const REFUSALS: ReadonlySet<ErrorType | undefined> = new Set([
  ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED,
  ErrorType.STREAM_DELETED,
  ErrorType.INVALID_ARGUMENT,
  ErrorType.INVALID_TRANSACTION,
])

/** Whether the events of an append that failed with this error may be in the log, or may still get there. */
export function isUnsettled(error: unknown): boolean {
  return !(error instanceof WrongExpectedVersionError || REFUSALS.has(typeOf(error)) || isUnwritten(error))
}

interface Failed {
  readonly stream: string
  readonly expected: ExpectedRevision
}

/** The port's error for a failed append. Unless it certainly wrote nothing, its outcome is unknown. */
export function appendFailure({ stream, expected }: Failed, error: unknown): Error {
  const cause = { cause: error }
  if (error instanceof WrongExpectedVersionError) {
    const actual = error.actualVersion
    return new Conflict(stream, typeof actual === 'bigint' ? actual : 'noStream', cause)
  }
  if (typeOf(error) === ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED)
    return new TooLarge('the append exceeds the configured limit of EventStoreDB (MaxAppendSize)', cause)
  // Readers find no such stream, so an append that expects one is a conflict.
  if (isStreamDeleted(error) && expected !== 'noStream' && expected !== 'any')
    return new Conflict(stream, 'noStream', cause)
  if (isStreamDeleted(error)) return new AppendRefused(`stream ${stream} has a tombstone`, cause)
  if (REFUSALS.has(typeOf(error)))
    return new AppendRefused(`EventStoreDB refuses an append to ${stream}: ${textOf(error)}`, cause)
  if (isUnwritten(error)) return new ServerUnusable(error, true)
  return new UnknownOutcome(`no answer to an append: ${textOf(error)}`, cause)
}

/** Why the cluster cannot be used, for operators, from the error of a failed call; also for an unknown outcome. */
export function reasonOf(error: Unavailable | UnknownOutcome): string {
  if (error instanceof Unavailable || error.cause === undefined) return error.message
  return sentenceOf(causeOf(error.cause, true), error.cause)
}

/** The server's errors for a read that starts where no record does, and for one backwards from past the end. */
const NO_PLACE = /ReadAllResult: InvalidPosition/
const PAST_END = /ReadAllResult: Error/

/** Whether a read of the whole log failed because it goes backwards from past the end. */
export const isPastEnd = (error: unknown): boolean => error instanceof Unavailable && PAST_END.test(textOf(error.cause))

/** Whether a read failed because its stream has a tombstone. */
export const isTombstone = (error: unknown): boolean => error instanceof StreamNotFound && isStreamDeleted(error.cause)

/** The port's error for a failed read. */
export function readFailure(error: unknown): Error {
  if (NO_PLACE.test(textOf(error))) return new InvalidPosition(undefined, { cause: error })
  return error instanceof Unavailable ? error : new ServerUnusable(error, false)
}

/** The server's error for a subscription that starts where no record does. */
const NO_START = /read from an invalid position/i

/** The port's error for a broken subscription. @returns {InvalidPosition} when it can never start at its position. */
export function subscriptionFailure(error: unknown): Error {
  if (error instanceof InvalidPosition) return error
  return NO_START.test(textOf(error)) ? new InvalidPosition(undefined, { cause: error }) : readFailure(error)
}
