import type { Message } from 'kafkajs'
import type { Publication } from '../feed/index.ts'
import { confirmedHeaders } from './heartbeat-headers.ts'

/** Bytes of the messages in one request: brokers accept a batch of about a million by default. */
const BATCH_BYTES = 512 * 1024
/** The most bytes of the headers and the framing of a message. */
const FRAME_BYTES = 256
/** The most bytes of a request. */
export const REQUEST_BYTES = BATCH_BYTES + FRAME_BYTES

/** The messages of one request after another: each request is written completely or not at all. */
export function* batchesOf(publications: readonly Publication[]): Generator<Message[]> {
  let batch: Message[] = []
  let bytes = 0
  for (const { jws, position, kind, confirmed } of publications) {
    const size = Buffer.byteLength(jws) + FRAME_BYTES
    if (batch.length > 0 && bytes + size > BATCH_BYTES) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push({ partition: 0, value: jws, headers: { position, kind, ...(confirmed && confirmedHeaders(confirmed)) } })
    bytes += size
  }
  yield batch
}
