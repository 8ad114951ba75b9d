import streamsServices, { type StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js'
import featureServices from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import streamsMessages, { type BatchAppendResp, type ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import emptyMessages from 'google-protobuf/google/protobuf/empty_pb.js'
import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { createHash } from 'node:crypto'
import { vi } from 'vitest'
import { appended, batched, type Described, failure, message, ofClients, place, squeezed } from './describing.ts'
import type { Names } from './naming.ts'

const { AppendReq, BatchAppendReq, DeleteReq, ReadReq, TombstoneReq } = streamsMessages
const { Empty, StreamIdentifier, UUID } = sharedMessages

export type Expected = number | 'noStream' | 'any' | 'exists'
export type Proposed = string | { readonly id: string; readonly type?: string | undefined; readonly data?: string }

export interface Reading {
  /** The whole log when it is missing. */
  readonly stream?: string
  readonly from?: number | bigint | 'start' | 'end'
  readonly backwards?: boolean
  readonly count?: number
  readonly prefixes?: readonly string[]
  readonly regex?: string
  readonly types?: string
  /** Events that are looked at between two checkpoints. */
  readonly window?: number
}

/** Messages of a subscription, as many as are awaited, and what comes unawaited. */
export interface Subscription {
  take(count: number): Promise<readonly Described[]>
  /** Takes nothing from the network until `resume`. */
  pause(): void
  resume(): void
  stop(): void
}

/** A server that is asked by calls of its own protocol, one at a time. */
export interface Asked {
  batch(stream: string, events: readonly Proposed[], expected: Expected): Promise<Described>
  append(stream: string, events: readonly Proposed[], expected: Expected): Promise<Described>
  remove(stream: string, expected: Expected): Promise<Described>
  tombstone(stream: string, expected: Expected): Promise<Described>
  read(reading: Reading): Promise<readonly Described[]>
  subscribe(reading: Reading): Subscription
  features(): Promise<Described>
  close(): void
}

const HANGS_MS = 300
const LATE_MS = 20_000

/** The id of an event by its name in the questions. */
function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

const identifierOf = (stream: string) => new StreamIdentifier().setStreamName(Buffer.from(stream).toString('base64'))
const isUuid = (id: string): boolean => !id.startsWith('raw:')

type Message = InstanceType<typeof BatchAppendReq.ProposedMessage> | InstanceType<typeof AppendReq.ProposedMessage>

function filled<Kind extends Message>(empty: Kind, proposed: Proposed): Kind {
  const { id, data = '{}', ...rest } = typeof proposed === 'string' ? { id: proposed } : proposed
  empty.setId(new UUID().setString(isUuid(id) ? uuidOf(id) : id.slice('raw:'.length)))
  empty.setData(Buffer.from(data).toString('base64'))
  const type = 'type' in rest ? rest.type : 'T'
  if (type !== undefined) empty.getMetadataMap().set('type', type)
  empty.getMetadataMap().set('content-type', 'application/json')
  return empty
}

function optionsOf({ stream, from, backwards = false, count = 100, ...filter }: Reading, isSubscription: boolean) {
  const options = new ReadReq.Options()
    .setReadDirection(backwards ? 1 : 0)
    .setResolveLinks(false)
    .setUuidOption(new ReadReq.Options.UUIDOption().setString(new Empty()))
  if (isSubscription) options.setSubscription(new ReadReq.Options.SubscriptionOptions())
  else options.setCount(String(count))
  const start = from ?? (backwards ? 'end' : 'start')
  if (stream !== undefined) {
    const of = new ReadReq.Options.StreamOptions().setStreamIdentifier(identifierOf(stream))
    if (start === 'start') of.setStart(new Empty())
    else if (start === 'end') of.setEnd(new Empty())
    else of.setRevision(String(start))
    options.setStream(of)
  } else {
    const all = new ReadReq.Options.AllOptions()
    if (start === 'start') all.setStart(new Empty())
    else if (start === 'end') all.setEnd(new Empty())
    else {
      const offset = String(start)
      all.setPosition(new ReadReq.Options.Position().setCommitPosition(offset).setPreparePosition(offset))
    }
    options.setAll(all)
  }
  return filter.prefixes === undefined && filter.regex === undefined && filter.types === undefined
    ? options.setNoFilter(new Empty())
    : options.setFilter(filterOf(filter))
}

function filterOf({ prefixes = [], regex, types, window }: Pick<Reading, 'prefixes' | 'regex' | 'types' | 'window'>) {
  const { FilterOptions } = ReadReq.Options
  const expression = new FilterOptions.Expression().setPrefixList([...prefixes])
  const pattern = types ?? regex
  if (pattern !== undefined) expression.setRegex(pattern)
  const filter = new FilterOptions().setCheckpointintervalmultiplier(1)
  if (window === undefined) filter.setCount(new Empty())
  else filter.setMax(window)
  return types === undefined ? filter.setStreamIdentifier(expression) : filter.setEventType(expression)
}

/** @param address host and port. @param requiresLeader what every call says. */
export function ask(address: string, names: Names, requiresLeader = true): Asked {
  const insecure = credentials.createInsecure()
  const client: StreamsClient = new streamsServices.StreamsClient(address, insecure)
  const features = new featureServices.ServerFeaturesClient(address, insecure)
  const metadata = new Metadata()
  metadata.set('requires-leader', String(requiresLeader))

  /** Whatever the server had to say of what was done before, it has said before it answers this. */
  async function roundTrip(): Promise<void> {
    for (let turn = 0; turn < 2; turn += 1) await read({ stream: 'nobody-asks' })
  }

  function read(reading: Reading): Promise<readonly Described[]> {
    const isHanging = reading.count === 0
    return new Promise((resolve) => {
      const got: Described[] = []
      const deadline = Date.now() + (isHanging ? HANGS_MS : LATE_MS)
      const call = client.read(new ReadReq().setOptions(optionsOf(reading, false)), metadata, { deadline })
      call.on('data', (response: ReadResp) => got.push(message(response, names)))
      call.on('error', (error: ServiceError) => resolve([...got, failure(error)]))
      call.on('end', () => resolve([...got, 'end']))
    })
  }

  return {
    batch: (stream, events, expected) =>
      new Promise((resolve) => {
        const call = client.batchAppend(metadata, { deadline: Date.now() + LATE_MS })
        const done = (described: Described): void => {
          resolve(described)
          call.cancel()
        }
        call.on('data', (response: BatchAppendResp) => done(batched(response)))
        call.on('error', (error: ServiceError) => done(failure(error)))
        const options = new BatchAppendReq.Options().setStreamIdentifier(identifierOf(stream))
        if (expected === 'any') options.setAny(new emptyMessages.Empty())
        else if (expected === 'exists') options.setStreamExists(new emptyMessages.Empty())
        else if (expected === 'noStream') options.setNoStream(new emptyMessages.Empty())
        else options.setStreamPosition(String(expected))
        const messages = events.map((event) => filled(new BatchAppendReq.ProposedMessage(), event))
        const request = new BatchAppendReq().setOptions(options).setProposedMessagesList(messages).setIsFinal(true)
        call.write(request.setCorrelationId(new UUID().setString(crypto.randomUUID())))
      }),
    append: (stream, events, expected) =>
      new Promise((resolve) => {
        const call = client.append(metadata, (error, response) => resolve(error ? failure(error) : appended(response)))
        const options = expecting(new AppendReq.Options().setStreamIdentifier(identifierOf(stream)), expected)
        call.write(new AppendReq().setOptions(options))
        for (const event of events)
          call.write(new AppendReq().setProposedMessage(filled(new AppendReq.ProposedMessage(), event)))
        call.end()
      }),
    remove: (stream, expected) =>
      new Promise((resolve) => {
        const options = expecting(new DeleteReq.Options().setStreamIdentifier(identifierOf(stream)), expected)
        client.delete(new DeleteReq().setOptions(options), metadata, (error, response) =>
          resolve(error ? failure(error) : { deleted: place(response.getPosition()) }),
        )
      }),
    tombstone: (stream, expected) =>
      new Promise((resolve) => {
        const options = expecting(new TombstoneReq.Options().setStreamIdentifier(identifierOf(stream)), expected)
        client.tombstone(new TombstoneReq().setOptions(options), metadata, (error, response) =>
          resolve(error ? failure(error) : { deleted: place(response.getPosition()) }),
        )
      }),
    read,
    subscribe(reading) {
      const got: Described[] = []
      const call = client.read(new ReadReq().setOptions(optionsOf(reading, true)), metadata)
      call.on('data', (response: ReadResp) => got.push(message(response, names)))
      call.on('error', (error: ServiceError) => got.push(failure(error)))
      call.on('end', () => got.push('end'))
      return {
        async take(count) {
          await vi
            .waitUntil(() => ofClients(got).length >= count, { interval: 2, timeout: LATE_MS })
            .catch(() => undefined)
          await roundTrip()
          return squeezed(ofClients(got.splice(0)))
        },
        pause: () => void call.pause(),
        resume: () => void call.resume(),
        stop: () => call.cancel(),
      }
    },
    features: () =>
      new Promise((resolve) =>
        features.getSupportedMethods(new Empty(), metadata, (error, response) => {
          if (error) return resolve(failure(error))
          const methods = response.getMethodsList().flatMap((method) => {
            const list = method.getFeaturesList().length > 0 ? ` ${method.getFeaturesList().join()}` : ''
            const name = `${method.getServiceName()}/${method.getMethodName()}${list}`
            return /streams\.|gossip|serverfeatures/.test(name) ? [name] : []
          })
          resolve({ version: response.getEventStoreServerVersion(), methods: methods.toSorted() })
        }),
      ),
    close() {
      client.close()
      features.close()
    },
  }
}

interface Expecting<Itself> {
  setRevision(revision: string): Itself
  setAny(empty: InstanceType<typeof Empty>): Itself
  setNoStream(empty: InstanceType<typeof Empty>): Itself
  setStreamExists(empty: InstanceType<typeof Empty>): Itself
}
function expecting<Options extends Expecting<Options>>(options: Options, expected: Expected): Options {
  if (expected === 'any') return options.setAny(new Empty())
  if (expected === 'exists') return options.setStreamExists(new Empty())
  return expected === 'noStream' ? options.setNoStream(new Empty()) : options.setRevision(String(expected))
}
