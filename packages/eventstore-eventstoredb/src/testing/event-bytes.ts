import { positionOf } from './log-position.ts'
import { DELETED, type StoredEvent } from './stored-event.ts'

const TICKS_PER_MS = 10_000n
/** A field of bytes, a text, or a message within: its number and what it is, as one byte. */
const within = (field: number): number => (field << 3) | 2
const number = (field: number): number => field << 3

/** Bytes of a varint; the revision of a tombstone has 63 bits, whatever else there is has 53 at the most. */
function varintSize(value: number): number {
  if (value === DELETED) return 9
  let size = 1
  for (let left = value; left >= 128; left = Math.floor(left / 128)) size += 1
  return size
}

const sizeOfNumber = (value: number): number => (value === 0 ? 0 : 1 + varintSize(value))
const sizeWithin = (length: number): number => 1 + varintSize(length) + length
const sizeOfBytes = (length: number): number => (length === 0 ? 0 : sizeWithin(length))
const sizeOfText = (text: string): number => sizeOfBytes(Buffer.byteLength(text))
const sizeOfEntry = (name: string, value: string): number => sizeOfText(name) + sizeOfText(value)

/** Fields, one behind the other; nothing is written for what is empty. */
class Message {
  readonly bytes: Buffer
  #at = 0

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size)
  }

  varint(value: number): void {
    const { bytes } = this
    if (value === DELETED) {
      bytes.fill(0xff, this.#at, this.#at + 8)
      this.#at += 8
      bytes[this.#at++] = 0x7f
      return
    }
    let left = value
    for (; left >= 128; left = Math.floor(left / 128)) bytes[this.#at++] = (left % 128) | 128
    bytes[this.#at++] = left
  }

  /** A message of so many bytes, which follow. */
  begin(field: number, size: number): void {
    this.bytes[this.#at++] = within(field)
    this.varint(size)
  }

  text(field: number, text: string): void {
    if (text === '') return
    this.begin(field, Buffer.byteLength(text))
    this.#at += this.bytes.write(text, this.#at)
  }

  data(field: number, data: Uint8Array): void {
    if (data.length === 0) return
    this.begin(field, data.length)
    this.bytes.set(data, this.#at)
    this.#at += data.length
  }

  /** Also zero: one of several that there may be. */
  choice(field: number, value: number): void {
    this.bytes[this.#at++] = number(field)
    this.varint(value)
  }

  number(field: number, value: number): void {
    if (value !== 0) this.choice(field, value)
  }

  entry(field: number, name: string, value: string): void {
    this.begin(field, sizeOfEntry(name, value))
    this.text(1, name)
    this.text(2, value)
  }
}

/**
 * An event of a read (Streams.Read.cs), `created` in .NET ticks since 1970; as `ReadResp` it goes over the wire. The generated code
 * takes several times as long, and a new replica of a test reads a million.
 */
export function eventBytes({
  id,
  stream,
  revision,
  index,
  type,
  contentType,
  created,
  metadata,
  data,
}: StoredEvent): Buffer {
  const offset = positionOf(index).commit
  const ticks = String(BigInt(created) * TICKS_PER_MS)
  const [idSize, streamSize] = [sizeOfText(id), sizeOfText(stream)]
  const recordedSize =
    sizeWithin(idSize) +
    sizeWithin(streamSize) +
    sizeOfNumber(revision) +
    2 * sizeOfNumber(offset) +
    sizeWithin(sizeOfEntry('type', type)) +
    sizeWithin(sizeOfEntry('content-type', contentType)) +
    sizeWithin(sizeOfEntry('created', ticks)) +
    sizeOfBytes(metadata.length) +
    sizeOfBytes(data.length)
  const eventSize = sizeWithin(recordedSize) + 1 + varintSize(offset)
  const message = new Message(sizeWithin(eventSize))
  message.begin(1, eventSize)
  message.begin(1, recordedSize)
  message.begin(1, idSize)
  message.text(2, id)
  message.begin(2, streamSize)
  message.text(3, stream)
  message.number(3, revision)
  message.number(4, offset)
  message.number(5, offset)
  message.entry(6, 'type', type)
  message.entry(6, 'content-type', contentType)
  message.entry(6, 'created', ticks)
  message.data(7, metadata)
  message.data(8, data)
  message.choice(3, offset)
  return message.bytes
}
