import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import type { AppendResp, BatchAppendResp, ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import { type ServiceError, status } from '@grpc/grpc-js'
import { type Names, Place } from './naming.ts'

const { WrongExpectedVersion } = sharedMessages

export type Described = Readonly<Record<string, unknown>> | 'end'

const textOf = (identifier: { getStreamName_asU8(): Uint8Array } | undefined): string =>
  Buffer.from(identifier?.getStreamName_asU8() ?? []).toString()

/** What every answer of a server has, whatever it says. */
const OF_THE_TRANSPORT = /^(date|server|content-|trace|grpc-)/

export function failure({ code, details, metadata }: ServiceError): Described {
  const trailers = Object.entries(metadata?.getMap() ?? {}).filter(([name]) => !OF_THE_TRANSPORT.test(name))
  return {
    status: status[code],
    details: details.replace(/^Deadline exceeded.*/, 'Deadline exceeded').slice(0, 200),
    ...(trailers.length > 0 && {
      trailers: Object.fromEntries(trailers.map(([name, value]) => [name, String(value)])),
    }),
  }
}

interface Success {
  hasNoStream(): boolean
  getCurrentRevision(): string
  getPosition(): { getCommitPosition(): string; getPreparePosition(): string } | undefined
}

const success = (said: Success): Described => ({
  success: {
    revision: said.hasNoStream() ? 'noStream' : Number(said.getCurrentRevision()),
    position: place(said.getPosition()) ?? 'none',
  },
})

export const place = (
  position: { getCommitPosition(): string; getPreparePosition(): string } | undefined,
): Place | undefined => position && new Place(position.getCommitPosition(), position.getPreparePosition())

/** The answer to one append of a batch. */
export function batched(response: BatchAppendResp): Described {
  const written = response.getSuccess()
  if (written) return success(written)
  const error = response.getError()
  const details = error?.getDetails()
  const type = details?.getTypeName() ?? ''
  const said = { code: error?.getCode(), message: error?.getMessage(), type }
  if (!type.endsWith('.WrongExpectedVersion')) return { error: said }
  const wrong = WrongExpectedVersion.deserializeBinary(details?.getValue_asU8() ?? new Uint8Array())
  const expected = wrong.hasExpectedNoStream()
    ? 'noStream'
    : wrong.hasExpectedAny()
      ? 'any'
      : wrong.hasExpectedStreamExists()
        ? 'exists'
        : Number(wrong.getExpectedStreamPosition())
  const current = wrong.hasCurrentNoStream() ? 'noStream' : Number(wrong.getCurrentStreamRevision())
  return { error: { ...said, current, expected } }
}

export function appended(response: AppendResp): Described {
  const written = response.getSuccess()
  if (written) return success(written)
  const wrong = response.getWrongExpectedVersion()
  return {
    wrongExpectedVersion: { current: wrong?.hasCurrentNoStream() ? 'noStream' : Number(wrong?.getCurrentRevision()) },
  }
}

/** One message of a read or a subscription. */
export function message(response: ReadResp, names: Names): Described {
  const event = response.getEvent()?.getEvent()
  if (event) {
    const name = `${textOf(event.getStreamIdentifier())}@${Number(event.getStreamRevision())}`
    names.note(name, event.getCommitPosition())
    const isPrepareSame = event.getPreparePosition() === event.getCommitPosition()
    return { event: name, type: event.getMetadataMap().get('type'), ...(!isPrepareSame && { prepareDiffers: true }) }
  }
  if (response.hasConfirmation()) return { confirmation: true }
  if (response.hasCheckpoint()) return { checkpoint: place(response.getCheckpoint()) }
  if (response.hasStreamNotFound())
    return { streamNotFound: textOf(response.getStreamNotFound()?.getStreamIdentifier()) }
  if (response.hasCaughtUp()) return { caughtUp: true }
  if (response.hasFellBehind()) return { fellBehind: true }
  return { other: response.toObject() }
}

const isSystems = (each: Described): boolean =>
  typeof each === 'object' && typeof each['event'] === 'string' && each['event'].startsWith('$')

/** Messages of a subscription without what a server writes for itself. */
export const ofClients = (messages: readonly Described[]): readonly Described[] =>
  messages.filter((each) => !isSystems(each))

const MOST = 2n ** 64n - 1n
const checkpointIn = (each: Described): Place | undefined => {
  const found = typeof each === 'object' ? each['checkpoint'] : undefined
  return found instanceof Place && found.commit !== MOST ? found : undefined
}

/** Checkpoints in a row as their number and the last of them. */
export function squeezed(messages: readonly Described[]): readonly Described[] {
  const rows: { described: Described; checkpoints: number }[] = []
  for (const each of messages) {
    const checkpoint = checkpointIn(each)
    const row = rows.at(-1)
    if (checkpoint === undefined) rows.push({ described: each, checkpoints: 0 })
    else if (row === undefined || row.checkpoints === 0) rows.push({ described: each, checkpoints: 1 })
    else {
      row.checkpoints += 1
      row.described = { checkpoints: row.checkpoints, last: checkpoint }
    }
  }
  return rows.map(({ described }) => described)
}

/** How many messages an answer stands for that is kept in this way. */
export const lengthOf = (kept: unknown): number =>
  Array.isArray(kept)
    ? kept.reduce<number>((sum, each: { checkpoints?: number }) => sum + (each.checkpoints ?? 1), 0)
    : 0
