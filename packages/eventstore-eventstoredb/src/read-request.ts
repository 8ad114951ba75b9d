import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import streamsMessages, { type ReadReq } from '@eventstore/db-client/generated/streams_pb.js'
import type { Position, ReadOptions } from '@ledgate/eventsourcing'
import { type LogOffset, offsetOf } from './position.ts'

const { ReadReq: Request } = streamsMessages
const { Empty, StreamIdentifier } = sharedMessages
const { Options } = Request

const DIRECTIONS = { forwards: 0, backwards: 1 } as const

const common = (direction: keyof typeof DIRECTIONS, max: number) =>
  new Options()
    .setReadDirection(DIRECTIONS[direction])
    .setCount(String(Math.min(max, Number.MAX_SAFE_INTEGER)))
    .setResolveLinks(false)
    .setNoFilter(new Empty())
    .setUuidOption(new Options.UUIDOption().setString(new Empty()))

/** Events of one stream. */
export function streamRequest(
  stream: string,
  { direction = 'forwards', from, max = Number.MAX_SAFE_INTEGER }: ReadOptions,
): ReadReq {
  const identifier = new StreamIdentifier().setStreamName(Buffer.from(stream).toString('base64'))
  const place = new Options.StreamOptions().setStreamIdentifier(identifier)
  if (from !== undefined) place.setRevision(from.toString())
  else if (direction === 'forwards') place.setStart(new Empty())
  else place.setEnd(new Empty())
  return new Request().setOptions(common(direction, max).setStream(place))
}

/** A position in the whole log. */
function placeOf(offset: LogOffset | 'start' | 'end') {
  const place = new Options.AllOptions()
  if (offset === 'start') return place.setStart(new Empty())
  if (offset === 'end') return place.setEnd(new Empty())
  return place.setPosition(
    new Options.Position().setCommitPosition(offset.commit.toString()).setPreparePosition(offset.prepare.toString()),
  )
}

/** Events of the whole log, or those that match a filter; servers differ in whether they return the one at the position itself. */
export function allRequest(
  direction: 'forwards' | 'backwards',
  from: Position | undefined,
  max: number,
  filter?: ServerFilter,
): ReadReq {
  const end = direction === 'forwards' ? 'start' : 'end'
  const options = common(direction, max).setAll(placeOf(from === undefined ? end : offsetOf(from)))
  if (filter !== undefined) options.setFilter(filterOptions(filter).setCount(new Empty()))
  return new Request().setOptions(options)
}

/** Events that the server scans between two checkpoints; so many are scanned again after a reconnect. */
const SEARCH_WINDOW = 256

/** The events that the server returns: of streams with one of these prefixes, or matching a pattern, or of matching types. */
export type ServerFilter = { readonly prefix: string } | { readonly streams: string } | { readonly types: string }

function filterOptions(filter: ServerFilter) {
  const options = new Options.FilterOptions().setCheckpointintervalmultiplier(1)
  const expression = new Options.FilterOptions.Expression()
  if ('prefix' in filter) {
    expression.addPrefix(filter.prefix)
    return options.setStreamIdentifier(expression)
  }
  return 'types' in filter
    ? options.setEventType(expression.setRegex(filter.types))
    : options.setStreamIdentifier(expression.setRegex(filter.streams))
}

/** A subscription to all events after a position that match the filter. */
export function subscriptionRequest(after: Position, filter: ServerFilter): ReadReq {
  const options = new Options()
    .setReadDirection(DIRECTIONS.forwards)
    .setResolveLinks(false)
    .setAll(placeOf(offsetOf(after)))
    .setSubscription(new Options.SubscriptionOptions())
    .setFilter(filterOptions(filter).setMax(SEARCH_WINDOW))
    .setUuidOption(new Options.UUIDOption().setString(new Empty()))
  return new Request().setOptions(options)
}
