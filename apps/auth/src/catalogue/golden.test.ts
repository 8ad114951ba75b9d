import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject, RecordedEvent } from '@ledgate/eventsourcing'
import { nthPosition } from '@ledgate/eventsourcing/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { decode, definitionOf, encode, eventDefinitions } from './definitions.ts'
import { defineEvent } from '../log/index.ts'
import { newestData, storedData } from '../log/codec.ts'
import { Envelope } from '../log/envelope.ts'

/**
 * The first so many payloads of golden.json, and the SHA-256 over their lines. Payloads and seals are only ever added:
 * what is here has been written to somebody's log and stays there.
 *
 * A new type of event, or a new version of one: append one payload of it, exactly as it is stored, at the end of
 * golden.json, leave every payload before it as it is, and append the seal that the failing test prints.
 */
const SEALS = [
  { payloads: 53, sha256: '8efdf8d542318a977aaffc813b79ae041ec76617b63b58e1cb5db7c4ee53fcfe' },
  { payloads: 56, sha256: '45c41f465a614dd00b13e97f03e9b09f24763be196b93ef2c03410e7feed7cb1' },
  { payloads: 62, sha256: 'a165364cede5bd0be1999a275aed9324efe4d4e08fddc110e66a4219a4ca3770' },
  { payloads: 63, sha256: '7aa832a05c78874bc0bd8f7e8a0cf2fe9d1db1a46ba7dd7ae08d7c9b15a2525d' },
  { payloads: 66, sha256: '1c248d0ef82c13625868497e6a8594c5a2df991cfcc090082ae6bc6d1b4f9d2f' },
  { payloads: 67, sha256: '3bd0a06e9ad16fe244f83b49d76c044d0757de7cc40659297a8082bb966598fa' },
  { payloads: 68, sha256: '13b86dd0e8cd946ba3bc9c6edded2c2dddd64a1b38433c8f6fea6c52acf85c61' },
  { payloads: 69, sha256: '17a54994a424f7b65cefc837efd40eecdd969c5d5d7d105f06fd30afc8fa4837' },
]

const Payload = z.strictObject({
  type: z.string(),
  data: z.custom<JsonObject>((value) => typeof value === 'object' && value !== null),
  metadata: z.custom<JsonObject & { readonly schema: number }>((value) => Envelope.safeParse(value).success),
})

const text = readFileSync(join(import.meta.dirname, 'golden.json'), 'utf8')
const payloads = z.array(Payload).parse(JSON.parse(text))

const sealOf = (count: number): string => {
  const hash = createHash('sha256')
  for (const payload of JSON.parse(text).slice(0, count)) hash.update(`${JSON.stringify(payload)}\n`)
  return hash.digest('hex')
}

const nameOf = (type: string, version: number) => `${type} v${version}`

function recorded({ type, data, metadata }: z.infer<typeof Payload>): RecordedEvent {
  const position = nthPosition(1)
  return { id: 'golden', type, data, metadata, stream: 'golden-1', revision: 0n, position, created: 0 }
}

describe('every payload that was ever written', () => {
  it.each(payloads.map((payload) => [nameOf(payload.type, payload.metadata.schema), payload] as const))(
    '%s decodes to the newest shape of its type',
    (_name, payload) => {
      const event = decode(recorded(payload))
      const definition = definitionOf(payload.type)
      expect(event?.type).toBe(payload.type)
      expect(definition?.data.safeParse(event?.data).error).toBeUndefined()
    },
  )

  it('is here for every type of event of the catalogue, in each of its versions', () => {
    const written = payloads.map(({ type, metadata }) => nameOf(type, metadata.schema))
    const wanted = eventDefinitions.flatMap(({ type, version }) =>
      Array.from({ length: version }, (_, index) => nameOf(type, index + 1)),
    )
    expect([...new Set(written)].toSorted()).toEqual(wanted.toSorted())
  })

  it('of today’s version is what would be written today', () => {
    for (const payload of payloads.filter(({ type, metadata }) => definitionOf(type)?.version === metadata.schema)) {
      const event = decode(recorded(payload))
      if (event === undefined) throw new Error(`${payload.type} is not in the catalogue`)
      expect(JSON.stringify(encode(event).data)).toBe(JSON.stringify(payload.data))
    }
  })

  it('has not been changed since', () => {
    for (const { payloads: count, sha256 } of SEALS) expect(sealOf(count)).toBe(sha256)
  })

  it('is sealed', () => {
    const next = { payloads: payloads.length, sha256: sealOf(payloads.length) }
    expect(SEALS.at(-1), `append to SEALS: ${JSON.stringify(next)}`).toEqual(next)
  })
})

describe('an event of an older version', () => {
  const Renamed = defineEvent('Renamed', { given: z.string(), family: z.string(), times: z.int() }, [
    ({ name, ...rest }) => ({ ...rest, full: name }),
    ({ full, ...rest }) => {
      const [given, family] = String(full).split(' ')
      return { ...rest, given, family, times: 1 }
    },
  ])
  const newest = { given: 'Ada', family: 'Lovelace', times: 1 }

  it('is read step by step as the newest one', () => {
    expect(Renamed.version).toBe(3)
    expect(newestData(Renamed, { name: 'Ada Lovelace' }, 1)).toEqual(newest)
    expect(newestData(Renamed, { full: 'Ada Lovelace' }, 2)).toEqual(newest)
    expect(newestData(Renamed, newest, 3)).toEqual(newest)
  })

  it('is refused when it does not become a valid one, and so is one of a version still to come', () => {
    expect(() => newestData(Renamed, { name: 'Ada' }, 1)).toThrow(z.ZodError)
    expect(() => newestData(Renamed, { ...newest, middle: 'King' }, 4)).toThrow(z.ZodError)
  })
})

describe('a new version while an old release still serves', () => {
  const up = ({ name, ...rest }: JsonObject): JsonObject => ({ ...rest, full: name ?? '' })
  const down = ({ full, ...rest }: JsonObject): JsonObject => ({ ...rest, name: full ?? '' })
  const Old = defineEvent('Renamed', { name: z.string() })
  const First = defineEvent('Renamed', { full: z.string() }, [up], { downcast: down })
  const Second = defineEvent('Renamed', { full: z.string() }, [up])
  const ada = { full: 'Ada Lovelace' }

  it('is read by the first release and not written: the old one reads all that it writes', () => {
    const written = storedData(First, ada)
    expect(written).toEqual({ data: { name: 'Ada Lovelace' }, schema: 1 })
    expect(newestData(Old, written.data, written.schema)).toEqual({ name: 'Ada Lovelace' })
    expect(newestData(First, written.data, written.schema)).toEqual(ada)
    const old = storedData(Old, { name: 'Ada Lovelace' })
    expect(newestData(First, old.data, old.schema)).toEqual(ada)
  })

  it('is written by the second release: the first one reads all that it writes', () => {
    const written = storedData(Second, ada)
    expect(written).toEqual({ data: ada, schema: 2 })
    expect(newestData(First, written.data, written.schema)).toEqual(ada)
    expect(newestData(Second, storedData(First, ada).data, 1)).toEqual(ada)
  })

  it('control: written at once, the old release cannot read it, and says so', () => {
    const written = storedData(Second, ada)
    expect(() => newestData(Old, written.data, written.schema)).toThrow(z.ZodError)
  })
})
