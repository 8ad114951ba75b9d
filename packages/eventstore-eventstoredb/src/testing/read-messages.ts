import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import streamsMessages, { type ReadReq, type ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import { type LogPosition, offsetText, positionFrom } from './log-position.ts'
import type { StoredEvent } from './stored-event.ts'
import { nameBytes } from './wire.ts'

const { ReadResp: Read } = streamsMessages
const { StreamIdentifier } = sharedMessages

export const confirmationResponse = (id: string): ReadResp =>
  new Read().setConfirmation(new Read.SubscriptionConfirmation().setSubscriptionId(id))
export const caughtUpResponse = (): ReadResp => new Read().setCaughtUp(new Read.CaughtUp())
export const fellBehindResponse = (): ReadResp => new Read().setFellBehind(new Read.FellBehind())
export const checkpointResponse = ({ commit, prepare }: LogPosition): ReadResp =>
  new Read().setCheckpoint(
    new Read.Checkpoint().setCommitPosition(offsetText(commit)).setPreparePosition(offsetText(prepare)),
  )
export const notFoundResponse = (stream: string): ReadResp =>
  new Read().setStreamNotFound(
    new Read.StreamNotFound().setStreamIdentifier(new StreamIdentifier().setStreamName(nameBytes(stream))),
  )

/** Where a read of the whole log begins. */
export function startOf(options: ReadReq.Options): LogPosition | 'start' | 'end' {
  const all = options.getAll()
  if (all?.hasEnd()) return 'end'
  const position = all?.getPosition()
  if (position === undefined) return 'start'
  return positionFrom(position.getCommitPosition(), position.getPreparePosition())
}

export interface Filter {
  passes(stored: StoredEvent): boolean
  /** Events that are looked at in one go. */
  readonly window: number
  /** Events looked at between two checkpoints. */
  readonly interval: number
}

/** What the server reads in one go unless it is told (DefaultReadBatchSize). */
export const BATCH = 32

/** The filter of a read of the whole log (Streams.Read.cs, ConvertToEventFilter). */
export function filterOf(options: ReadReq.Options): Filter | undefined {
  const filter = options.getFilter()
  if (filter === undefined) return undefined
  const byStream = filter.getStreamIdentifier()
  const expression = byStream ?? filter.getEventType()
  const prefixes = expression?.getPrefixList() ?? []
  const regex = new RegExp(expression?.getRegex() ?? '', 'u')
  const window = filter.hasMax() ? filter.getMax() : BATCH
  return {
    passes(stored) {
      const text = byStream === undefined ? stored.type : stored.stream
      return prefixes.length > 0 ? prefixes.some((prefix) => text.startsWith(prefix)) : regex.test(text)
    },
    window,
    interval: window * filter.getCheckpointintervalmultiplier(),
  }
}
