import fc from 'fast-check'
import {
  EVENT_TYPES,
  type Ended,
  hasEpoch,
  type Heartbeat,
  type Notice,
  SCOPES,
  type SnapshotChunk,
} from '../src/statement/index.ts'

export const ISSUER = 'https://issuer.test'

const id = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }))
const seconds = fc.integer({ min: 0, max: 4_000_000_000 })
const position = fc.string({ maxLength: 64, unit: fc.constantFrom(...'0123456789abcdef@') })

/** Any ending, with few names and epochs so that they meet. */
export const anyEnded = (ids: fc.Arbitrary<string> = id, until: fc.Arbitrary<number> = seconds): fc.Arbitrary<Ended> =>
  fc
    .record({
      scope: fc.constantFrom(...SCOPES),
      id: ids,
      until,
      epoch: fc.nat({ max: 4 }),
      issuer_epoch: fc.option(fc.nat({ max: 4 }), { nil: undefined }),
    })
    .map(({ scope, epoch, issuer_epoch, ...rest }) => {
      if (scope === 'issuer') return { scope, ...rest, id: ISSUER, epoch }
      if (!hasEpoch(scope)) return { scope, ...rest }
      return issuer_epoch === undefined ? { scope, ...rest, epoch } : { scope, ...rest, epoch, issuer_epoch }
    })

/** A notice of an ending, of any of the types that its scope may have. */
export const noticeOf = (ended: Ended): fc.Arbitrary<Notice> =>
  fc.record({
    kind: fc.constant('notice' as const),
    ended: fc.constant(ended),
    type: fc.constantFrom(...Object.values(EVENT_TYPES[ended.scope])),
    time: seconds,
    jti: id,
    txn: id,
    position,
  }) as fc.Arbitrary<Notice>

export const anyNotice = anyEnded().chain(noticeOf)

export const anyHeartbeat: fc.Arbitrary<Heartbeat> = fc.record({
  kind: fc.constant('heartbeat' as const),
  through: position,
  at: fc.nat(),
})

export const anyChunk: fc.Arbitrary<SnapshotChunk> = fc
  .record({ snapshot: id, index: fc.nat({ max: 9 }), more: fc.nat({ max: 9 }), through: position, at: fc.nat() })
  .chain(({ index, more, ...rest }) =>
    fc
      .array(anyEnded(), { maxLength: 20 })
      .map((ended) => ({ kind: 'chunk' as const, index, count: index + 1 + more, ...rest, ended })),
  )

export const anyStatement = fc.oneof(anyNotice, anyHeartbeat, anyChunk)
