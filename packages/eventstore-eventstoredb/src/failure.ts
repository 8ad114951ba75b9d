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

/** What a failed call says about the node that it went to. */
export type Advice =
  /** The client has learnt who leads and goes there with the next call. */
  | 'again'
  /** The node says nothing more, or does not know who leads: look for the cluster anew. */
  | 'reconnect'
  /** Nothing that another node or another try would change. */
  | 'none'

/** The words of grpc-js, and ours, for a call that was not sent. */
export const NO_CONNECTION = 'No connection established'
/** What a server says before it looks (RpcExceptions.cs, Streams.BatchAppend.cs), and grpc-js when it never had a connection. */
const NEVER_TAKEN = new RegExp(`Server Is Not Ready|Server Is (?:Too )?Busy|${NO_CONNECTION}|Name resolution failed`)

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const typeOf = (error: unknown): ErrorType | undefined =>
  error instanceof Error && isCommandError(error) ? error.type : undefined

/** Whether a stream was ended for ever, with a tombstone; an append that expects it to exist hears the same of a deleted one. */
export const isStreamDeleted = (error: unknown): boolean => typeOf(error) === ErrorType.STREAM_DELETED

const isLeaderless = (error: unknown): boolean => /No leader info|Failed to discover/.test(textOf(error))

/** A node has not got what was written, and does not know it: a leader that was paused, a follower that hears nothing. */
export class LeftBehind extends Error {
  constructor() {
    super('the node has not got what was written since')
  }
}

/** What to do before the next try of a call that failed like this. */
export function adviceOn(error: unknown): Advice {
  const type = typeOf(error)
  if (error instanceof LeftBehind) return 'reconnect'
  if (type === ErrorType.NOT_LEADER) return 'again'
  if (type === ErrorType.UNAVAILABLE || type === ErrorType.CANCELLED) return 'again' // the client drops the node itself
  if (type === ErrorType.TIMEOUT) return 'again'
  if (type === ErrorType.DEADLINE_EXCEEDED || isLeaderless(error) || NEVER_TAKEN.test(textOf(error))) return 'reconnect'
  return 'none'
}

/** A store that cannot be used, in words that tell an operator what to do about it. */
export class ServerUnusable extends Unavailable {
  readonly why: Cause

  constructor(error: unknown, isWriting: boolean) {
    const why = causeOf(error, isWriting)
    super(sentenceOf(why, error), { cause: error })
    this.why = why
  }
}

/**
 * Whether the server is known to have written nothing. That it does not lead is no such word: it ends the call, on which
 * other appends may have been written before it lost its lead.
 */
function isUnwritten(error: unknown): boolean {
  const type = typeOf(error)
  return type === ErrorType.ACCESS_DENIED || isLeaderless(error) || NEVER_TAKEN.test(textOf(error))
}

/** What the server says of an append that no node will ever take (Grpc/Status.cs). */
const REFUSALS: ReadonlySet<ErrorType | undefined> = new Set([
  ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED,
  ErrorType.STREAM_DELETED,
  ErrorType.INVALID_ARGUMENT,
  ErrorType.INVALID_TRANSACTION,
])

/** Whether the events of an append that failed like this may be in the log, or come into it yet. */
export function isUnsettled(error: unknown): boolean {
  return !(error instanceof WrongExpectedVersionError || REFUSALS.has(typeOf(error)) || isUnwritten(error))
}

interface Failed {
  readonly stream: string
  readonly expected: ExpectedRevision
}

/** The port's error for an append that failed. Whatever is not known to have written nothing has an unknown outcome. */
export function appendFailure({ stream, expected }: Failed, error: unknown): Error {
  const cause = { cause: error }
  if (error instanceof WrongExpectedVersionError) {
    const actual = error.actualVersion
    return new Conflict(stream, typeof actual === 'bigint' ? actual : 'noStream', cause)
  }
  if (typeOf(error) === ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED)
    return new TooLarge('EventStoreDB is configured to take less in one append (MaxAppendSize)', cause)
  // Readers find no such stream, which is what those have to hear who expected one.
  if (isStreamDeleted(error) && expected !== 'noStream' && expected !== 'any')
    return new Conflict(stream, 'noStream', cause)
  if (isStreamDeleted(error)) return new AppendRefused(`stream ${stream} was ended for ever by a tombstone`, cause)
  if (REFUSALS.has(typeOf(error)))
    return new AppendRefused(`EventStoreDB refuses an append to ${stream}: ${textOf(error)}`, cause)
  if (isUnwritten(error)) return new ServerUnusable(error, true)
  return new UnknownOutcome(`no answer to an append: ${textOf(error)}`, cause)
}

/** Why the cluster cannot be used, of a call that failed for it: in the words for operators also where it may have been done. */
export function reasonOf(error: Unavailable | UnknownOutcome): string {
  if (error instanceof Unavailable || error.cause === undefined) return error.message
  return sentenceOf(causeOf(error.cause, true), error.cause)
}

/** What a server says of a read that begins where no record does, and of one that goes backwards from past its end. */
const NO_PLACE = /ReadAllResult: InvalidPosition/
const PAST_END = /ReadAllResult: Error/

/** Whether a read of the whole log failed as one does that goes backwards from past the end. */
export const isPastEnd = (error: unknown): boolean => error instanceof Unavailable && PAST_END.test(textOf(error.cause))

/** Whether a read failed because nothing can ever be written to its stream again. */
export const isTombstone = (error: unknown): boolean => error instanceof StreamNotFound && isStreamDeleted(error.cause)

/** The port's error for a read that failed. */
export function readFailure(error: unknown): Error {
  if (NO_PLACE.test(textOf(error))) return new InvalidPosition(undefined, { cause: error })
  return error instanceof Unavailable ? error : new ServerUnusable(error, false)
}

/** What a server says of a subscription that begins where no record does. */
const NO_START = /read from an invalid position/i

/** Why a subscription broke. @returns {InvalidPosition} when it could never begin where it was told to. */
export function subscriptionFailure(error: unknown): Error {
  if (error instanceof InvalidPosition) return error
  return NO_START.test(textOf(error)) ? new InvalidPosition(undefined, { cause: error }) : readFailure(error)
}
