/** An event as it came over the wire. */
export interface ProposedEvent {
  readonly id: string
  readonly type: string
  readonly contentType: string
  readonly data: Uint8Array
  readonly metadata: Uint8Array
}

/** An event of a log. Every node that has it has this very object. */
export interface StoredEvent extends ProposedEvent {
  readonly stream: string
  readonly revision: number
  /** Of its record in the log, from 0. */
  readonly index: number
  /** Milliseconds since the epoch. */
  readonly created: number
}

/** The revision of a tombstone, 2^63-1 (EventNumber.DeletedStream), as near as a number comes to it. */
export const DELETED = 2 ** 63

/** A revision as the wire has it. */
export const revisionText = (revision: number): string =>
  revision === DELETED ? '9223372036854775807' : String(revision)

const ENCODER = new TextEncoder()
const NOTHING = new Uint8Array()

/** An event of the server itself. */
export const systemEvent = (type: string, json: string): ProposedEvent => ({
  id: crypto.randomUUID(),
  type,
  contentType: 'application/json',
  data: ENCODER.encode(json),
  metadata: NOTHING,
})
