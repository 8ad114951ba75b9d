import { positionOf } from './log-position.ts'
import { DELETED, type StoredEvent } from './stored-event.ts'

const TICKS_PER_MS = 10_000n
const CREATED = Buffer.from('created')
const TYPE = Buffer.from('type')
const CONTENT_TYPE = Buffer.from('content-type')

/** A varint; the revision of a tombstone has 63 bits, whatever else there is has 53 at the most. */
function varint(value: number): Buffer {
  if (value === DELETED) return Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])
  const bytes: number[] = []
  let left = value
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 128)
  bytes.push(left)
  return Buffer.from(bytes)
}

/** A field of bytes, or of a message; none when there is nothing in it. */
function field(number: number, bytes: Uint8Array): readonly Uint8Array[] {
  if (bytes.length === 0) return []
  return [Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes]
}

/** A field of a number; none for zero. */
const numberField = (number: number, value: number): readonly Uint8Array[] =>
  value === 0 ? [] : [Buffer.from([number << 3]), varint(value)]

const message = (...fields: readonly (readonly Uint8Array[])[]): Buffer => Buffer.concat(fields.flat())
const entry = (name: Uint8Array, value: string): Buffer => message(field(1, name), field(2, Buffer.from(value)))

/**
 * An event of a read (Streams.Read.cs), `created` in .NET ticks since 1970; as `ReadResp` it goes over the wire. The generated code
 * takes several times as long, and a new replica of a test reads a million.
 */
export function eventBytes(stored: StoredEvent): Buffer {
  const offset = positionOf(stored.index).commit
  const recorded = message(
    field(1, message(field(2, Buffer.from(stored.id)))),
    field(2, message(field(3, Buffer.from(stored.stream)))),
    numberField(3, stored.revision),
    numberField(4, offset),
    numberField(5, offset),
    field(6, entry(TYPE, stored.type)),
    field(6, entry(CONTENT_TYPE, stored.contentType)),
    field(6, entry(CREATED, String(BigInt(stored.created) * TICKS_PER_MS))),
    field(7, stored.metadata),
    field(8, stored.data),
  )
  return message(field(1, message(field(1, recorded), [Buffer.from([3 << 3]), varint(offset)])))
}
