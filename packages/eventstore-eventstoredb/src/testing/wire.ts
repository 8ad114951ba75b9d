import type { EventEmitter } from 'node:events'
import { Metadata, type ServiceError, status } from '@grpc/grpc-js'

/** The name of a stream, as messages carry it. */
export const nameOf = (identifier: { getStreamName_asU8(): Uint8Array } | undefined): string =>
  Buffer.from(identifier?.getStreamName_asU8() ?? []).toString()
export const nameBytes = (name: string): string => Buffer.from(name).toString('base64')

/** An error as the server sends it: a status, and trailers that tell its kind (RpcExceptions.cs, Constants.cs). */
export function rpcError(code: status, details: string, trailers: Readonly<Record<string, string>> = {}): ServiceError {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value)
  return Object.assign(new Error(details), { code, details, metadata })
}

export const streamDeleted = (stream: string): ServiceError =>
  rpcError(status.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  })

/** What a server that is not ready says, and one that knows no leader. */
export const NOT_READY = 'Server Is Not Ready'

export const unexpected = (kind: string, result: string): ServiceError =>
  rpcError(status.UNKNOWN, `Unexpected ${kind}: ${result}`)
export const broken = (): ServiceError => rpcError(status.UNKNOWN, 'Exception was thrown by handler.')

/** Ends a call of many messages with an error: grpc-js sends the status of what is emitted, of a call that was destroyed none. */
export const fail = (call: EventEmitter, error: Error): void => void call.emit('error', error)
