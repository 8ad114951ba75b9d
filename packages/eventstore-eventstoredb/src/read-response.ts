import type { Recorded } from './recorded.ts'
import type { LogOffset } from './position.ts'

/** One message of a read or a subscription (streams.proto, `ReadResp`). */
export type ReadMessage =
  | { readonly kind: 'event'; readonly event: Recorded }
  | { readonly kind: 'checkpoint'; readonly offset: LogOffset }
  | { readonly kind: 'streamNotFound' | 'caughtUp' | 'fellBehind' | 'other' }

/** Reads the fields of a message in order: their numbers, and their values on demand. */
class Fields {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number
  #tag = 0

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  /** The number of the next field; 0 after the last one. @throws {Error} when the message is truncated. */
  next(): number {
    if (this.#at === this.#end) return 0
    if (this.#at > this.#end) throw new Error(BROKEN)
    this.#tag = this.#small()
    return this.#tag >>> 3
  }

  /** A varint of 64 bits. */
  varint(): bigint {
    const start = this.#at
    let value = 0
    for (let scale = 1; scale <= 2 ** 42; scale *= 128) {
      const byte = this.#byte()
      value += (byte & 127) * scale
      if (byte < 128) return BigInt(value)
    }
    this.#at = start
    let long = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      long |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asUintN(64, long)
    }
    throw new Error(BROKEN)
  }

  bytes(): Buffer {
    const length = this.#small()
    const start = this.#at
    this.#at += length
    if (this.#at > this.#end) throw new Error(BROKEN)
    return this.#bytes.subarray(start, this.#at)
  }

  text(): string {
    const length = this.#small()
    const start = this.#at
    this.#at += length
    if (this.#at > this.#end) throw new Error(BROKEN)
    return this.#bytes.toString('utf8', start, this.#at)
  }

  /** A nested message. */
  within(): Fields {
    const length = this.#small()
    const start = this.#at
    this.#at += length
    if (this.#at > this.#end) throw new Error(BROKEN)
    return new Fields(this.#bytes, start, this.#at)
  }

  skip(): void {
    const wire = this.#tag & 7
    if (wire === 0) this.varint()
    else if (wire === 1) this.#at += 8
    else if (wire === 2) this.bytes()
    else if (wire === 5) this.#at += 4
    else throw new Error(BROKEN)
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at] : undefined
    if (byte === undefined) throw new Error(BROKEN)
    this.#at += 1
    return byte
  }

  /** A tag or a length of at most 32 bits. */
  #small(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.#byte()
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    throw new Error(BROKEN)
  }
}

const BROKEN = 'a message of the server breaks off'
/** The digits of a time in ticks after its milliseconds: as a number, ticks would lose precision. */
const TICK_DIGITS = 4

/** Decodes a message; unknown fields are skipped. @throws {Error} when the bytes are not a message. */
export function readMessage(bytes: Buffer): ReadMessage {
  const fields = new Fields(bytes, 0, bytes.length)
  let message: ReadMessage = { kind: 'other' }
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === 1) {
      const event = readEvent(fields.within())
      if (event !== undefined) message = { kind: 'event', event }
    } else if (field === 3) message = { kind: 'checkpoint', offset: readOffset(fields.within()) }
    else {
      fields.skip()
      if (field === 4) message = { kind: 'streamNotFound' }
      else if (field === 8) message = { kind: 'caughtUp' }
      else if (field === 9) message = { kind: 'fellBehind' }
    }
  }
  return message
}

/** `ReadEvent`: the event itself, not the link to it. */
function readEvent(fields: Fields): Recorded | undefined {
  let event: Recorded | undefined
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === 1) event = readRecorded(fields.within())
    else fields.skip()
  }
  return event
}

/** `Checkpoint`. */
function readOffset(fields: Fields): LogOffset {
  let [commit, prepare] = [0n, 0n]
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === 1) commit = fields.varint()
    else if (field === 2) prepare = fields.varint()
    else fields.skip()
  }
  return { commit, prepare }
}

/** `RecordedEvent`. Data that is not JSON stays bytes. */
function readRecorded(fields: Fields): Recorded {
  let [id, streamId, type, created] = ['', '', '', 0]
  let [revision, commit, prepare] = [0n, 0n, 0n]
  let [data, metadata] = [EMPTY, EMPTY]
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === 1) id = lastText(fields.within(), 2)
    else if (field === 2) streamId = lastText(fields.within(), 3)
    else if (field === 3) revision = fields.varint()
    else if (field === 4) prepare = fields.varint()
    else if (field === 5) commit = fields.varint()
    else if (field === 6) {
      const [name, value] = readEntry(fields.within())
      if (name === 'type') type = value
      else if (name === 'created') created = Number(value.slice(0, -TICK_DIGITS))
    } else if (field === 7) metadata = fields.bytes()
    else if (field === 8) data = fields.bytes()
    else fields.skip()
  }
  const position = { commit, prepare }
  return { streamId, id, revision, type, data: jsonOr(data), metadata: jsonOr(metadata), created, position }
}

const EMPTY: Buffer = Buffer.alloc(0)

/** The text of one field. */
function lastText(fields: Fields, wanted: number): string {
  let text = ''
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === wanted) text = fields.text()
    else fields.skip()
  }
  return text
}

function readEntry(fields: Fields): readonly [name: string, value: string] {
  let [name, value] = ['', '']
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === 1) name = fields.text()
    else if (field === 2) value = fields.text()
    else fields.skip()
  }
  return [name, value]
}

function jsonOr(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return bytes
  }
}
