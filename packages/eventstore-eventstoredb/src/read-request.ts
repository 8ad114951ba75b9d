import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import streamsMessages, { type ReadReq } from '@eventstore/db-client/generated/streams_pb.js'
import type { Position, ReadOptions } from '@ledgate/eventsourcing'
import { offsetOf } from './position.ts'

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

/** Events of the whole log, or of the streams whose names begin so; whether the one at the position itself is given is up to the server. */
export function allRequest(
  direction: 'forwards' | 'backwards',
  from: Position | undefined,
  max: number,
  prefix?: string,
): ReadReq {
  const place = new Options.AllOptions()
  const offset = from === undefined ? undefined : offsetOf(from)
  if (offset === 'start' || (offset === undefined && direction === 'forwards')) place.setStart(new Empty())
  else if (offset === undefined) place.setEnd(new Empty())
  else
    place.setPosition(
      new Options.Position().setCommitPosition(offset.commit.toString()).setPreparePosition(offset.prepare.toString()),
    )
  const options = common(direction, max).setAll(place)
  if (prefix === undefined) return new Request().setOptions(options)
  const streams = new Options.FilterOptions.Expression()
  streams.addPrefix(prefix)
  options.setFilter(
    new Options.FilterOptions().setStreamIdentifier(streams).setCount(new Empty()).setCheckpointintervalmultiplier(1),
  )
  return new Request().setOptions(options)
}
