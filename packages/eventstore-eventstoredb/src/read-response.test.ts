import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import streamsMessages, { type ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { readMessage } from './read-response.ts'

const { ReadResp: Response } = streamsMessages
const { ReadEvent } = Response
const { StreamIdentifier, UUID } = sharedMessages

const bytesOf = (response: ReadResp): Buffer => Buffer.from(response.serializeBinary())
/** Whatever 64 bits hold, the edges of a byte, of 53 bits and of the sign more often. */
const offset = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 1n, 127n, 128n, 2n ** 49n - 1n, 2n ** 49n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n),
)
const json = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.array(fc.string())))
const name = fc.string({ minLength: 1, unit: 'grapheme' })
const event = fc.record({
  id: fc.uuid(),
  stream: name,
  type: name,
  revision: offset,
  commit: offset,
  prepare: offset,
  created: fc.nat(4_000_000_000_000),
  ticks: fc.oneof(fc.nat(9_999), fc.constant(9_999)),
  data: json,
  metadata: fc.option(json, { nil: undefined }),
})
type Sample = typeof event extends fc.Arbitrary<infer Each> ? Each : never

function responseOf({ id, stream, type, revision, commit, prepare, created, ticks, data, metadata }: Sample): ReadResp {
  const recorded = new ReadEvent.RecordedEvent()
    .setId(new UUID().setString(id))
    .setStreamIdentifier(new StreamIdentifier().setStreamName(Buffer.from(stream).toString('base64')))
    .setStreamRevision(String(revision))
    .setCommitPosition(String(commit))
    .setPreparePosition(String(prepare))
    .setData(Buffer.from(JSON.stringify(data)))
  if (metadata) recorded.setCustomMetadata(Buffer.from(JSON.stringify(metadata)))
  recorded
    .getMetadataMap()
    .set('content-type', 'application/json')
    .set('created', String(BigInt(created) * 10_000n + BigInt(ticks)))
    .set('type', type)
  return new Response().setEvent(new ReadEvent().setEvent(recorded).setLink(recorded.clone()).setCommitPosition('7'))
}

test('an event is decoded like by the generated code', () => {
  fc.assert(
    fc.property(event, (sample) => {
      const { id, stream, type, revision, commit, prepare, created, data, metadata } = sample
      expect(readMessage(bytesOf(responseOf(sample)))).toEqual({
        kind: 'event',
        event: {
          id,
          streamId: stream,
          type,
          revision,
          created,
          data: JSON.parse(JSON.stringify(data)) as unknown,
          metadata: metadata && (JSON.parse(JSON.stringify(metadata)) as unknown),
          position: { commit, prepare },
        },
      })
    }),
    { numRuns: rounds({ quick: 100, long: 5_000 }) },
  )
})

test('a checkpoint and the other messages of a subscription are decoded', () => {
  fc.assert(
    fc.property(offset, offset, (commit, prepare) => {
      const checkpoint = new Response.Checkpoint().setCommitPosition(String(commit)).setPreparePosition(String(prepare))
      expect(readMessage(bytesOf(new Response().setCheckpoint(checkpoint)))).toEqual({
        kind: 'checkpoint',
        offset: { commit, prepare },
      })
    }),
    { numRuns: rounds({ quick: 100, long: 2_000 }) },
  )
  const said = (response: ReadResp) => readMessage(bytesOf(response)).kind
  expect(said(new Response().setCaughtUp(new Response.CaughtUp()))).toBe('caughtUp')
  expect(said(new Response().setFellBehind(new Response.FellBehind()))).toBe('fellBehind')
  expect(said(new Response().setStreamNotFound(new Response.StreamNotFound()))).toBe('streamNotFound')
  expect(said(new Response().setConfirmation(new Response.SubscriptionConfirmation().setSubscriptionId('a')))).toBe(
    'other',
  )
  expect(said(new Response().setLastStreamPosition('5'))).toBe('other')
  expect(said(new Response())).toBe('other')
})

test('arbitrary bytes are either refused or decoded, in finite time', () => {
  const refusedOrRead = (bytes: Buffer): void => {
    try {
      readMessage(bytes)
    } catch (error) {
      expect(String(error)).toContain('breaks off')
    }
  }
  fc.assert(
    fc.property(event, fc.nat(), fc.nat(255), (sample, at, byte) => {
      const bytes = bytesOf(responseOf(sample))
      refusedOrRead(bytes.subarray(0, at % bytes.length))
      bytes[at % bytes.length] = byte
      refusedOrRead(bytes)
    }),
    { numRuns: rounds({ quick: 200, long: 10_000 }) },
  )
  fc.assert(fc.property(fc.uint8Array(), (bytes) => refusedOrRead(Buffer.from(bytes))))
})

test('fields of later versions are skipped', () => {
  const [known] = fc.sample(event, 1)
  if (known === undefined) throw new Error('there is one')
  const bytes = bytesOf(responseOf(known))
  const added = Buffer.from([
    0xa0, 0x06, 0xff, 0x01, 0xaa, 0x06, 0x02, 1, 2, 0xa1, 0x06, 1, 2, 3, 4, 5, 6, 7, 8, 0xa5, 0x06, 1, 2, 3, 4,
  ])
  expect(readMessage(Buffer.concat([added, bytes, added]))).toEqual(readMessage(bytes))
})
