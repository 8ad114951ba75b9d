import type { Message } from 'kafkajs'
import type { Publication } from '../feed/index.ts'
import { vouchedHeaders } from './heartbeat-headers.ts'

/** Bytes of the messages in one request: brokers take a batch of a million unless told. */
const BATCH_BYTES = 512 * 1024
/** What the headers and the framing of a message take at most. */
const FRAME_BYTES = 256
/** What a request takes at most. */
export const REQUEST_BYTES = BATCH_BYTES + FRAME_BYTES

/** One request after another: what is in one is written whole or not at all. */
export function* batches(publications: readonly Publication[]): Generator<Message[]> {
  let batch: Message[] = []
  let bytes = 0
  for (const { jws, position, kind, vouched } of publications) {
    const size = Buffer.byteLength(jws) + FRAME_BYTES
    if (batch.length > 0 && bytes + size > BATCH_BYTES) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push({ partition: 0, value: jws, headers: { position, kind, ...(vouched && vouchedHeaders(vouched)) } })
    bytes += size
  }
  yield batch
}
