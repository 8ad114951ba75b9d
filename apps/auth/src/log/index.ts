/** The event log in the terms of the domain: typed streams, commands, decisions. */
export { type Authority, consequenceOf, unlessOvertaken } from './authority.ts'
export { type Clock, systemClock } from './clock.ts'
export { type AnyEvent, type AnyRecord, eventCodec, type EventMetadata } from './codec.ts'
export { Actor, ANONYMOUS, type CommandContext, KeptSource, networkOf, type Source } from './envelope.ts'
export { defineEvent, type EventDefinition, type EventOf } from './event-definition.ts'
export { type Catalogue, type EventLog, openEventLog } from './event-log.ts'
export { type Asked, type Found, handle, readState } from './handle.ts'
export { type KeyedHash, keyedHash } from './keyed-hash.ts'
export { newId } from './random-id.ts'
export { retryOnConflict } from './retry-on-conflict.ts'
export {
  defineSingleStream,
  defineStream,
  type EventIn,
  type RecordIn,
  type RecordOf,
  type Stream,
  type StreamName,
} from './stream.ts'
export { Duration, Epoch, RandomId, Sealed, Seconds, SecretHash, Sub } from './value.ts'
export { type Written } from './written.ts'
