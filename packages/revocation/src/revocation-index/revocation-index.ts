import { type HashedName, hash, hashCached, WORDS, writeDigest } from './digest.ts'
import { digestTable } from './digest-table.ts'
import { type Ended, type Scope, SCOPES } from '../statement/index.ts'
import type { TokenFacts } from './token-facts.ts'

/** A token prepared for repeated lookups: everything that can be computed once is. */
export interface PreparedToken {
  /** The scopes that can revoke it. */
  readonly scopes: readonly Scope[]
  /** Their digests, one after another. */
  readonly digests: readonly number[]
  /** Its epochs in the first scopes, -1 for none; it has none in the others. */
  readonly carried: readonly number[]
}

/** Answers exactly and from memory whether a token of one issuer is revoked. */
export interface RevocationIndex {
  /**
   * Adds a revocation, in any order and any number of times, with the same results.
   *
   * @returns whether it was new; a revocation that no longer matters is not.
   */
  apply(ended: Ended): boolean
  /** The first scope in which a token is revoked; `undefined` if it is not. */
  endedBy(token: TokenFacts | PreparedToken): Scope | undefined
  /** Prepares a token for lookups in any index, for as long as the token is valid. */
  prepare(token: TokenFacts): PreparedToken
  /** Rises with every change that can revoke a token: until then, a token that is not revoked need not be looked up again. */
  readonly version: number
  /** Number of entries; those that no longer matter are removed a little later. */
  readonly size: number
  /** Bytes of all tables, including free slots. */
  readonly bytes: number
  /** Removes all entries that no longer matter. They are also removed gradually as others are added. */
  expire(): void
}

/** An index is for one issuer, so the name of the issuer does not matter. */
const THE_ISSUER = hash('')

/** The epoch in scopes without one: above that of every token. */
const ABOVE_ALL = Number.POSITIVE_INFINITY

const NONE_CARRIED = -1

/** An invalid epoch counts as none, and none is below all. */
const epochIn = (claim: number | undefined): number =>
  claim !== undefined && Number.isSafeInteger(claim) && claim >= 0 ? claim : NONE_CARRIED

/** The name by which a token can be revoked in each scope. Every scope counts: none hides another. */
function namesOf({ client_id, sub, sid, gid, jti, kid, isOffline }: TokenFacts): Record<Scope, HashedName | undefined> {
  const session = sid === undefined ? undefined : hash(sid)
  return {
    issuer: THE_ISSUER,
    client: hashCached(client_id),
    user: hash(sub),
    session,
    online_session: isOffline ? undefined : session,
    grant: gid === undefined ? undefined : hash(gid),
    jti: hash(jti),
    key: hashCached(kid),
  }
}

/** Prepares a token for {@link RevocationIndex.endedBy}: its names are hashed once. */
export function prepareToken(token: TokenFacts): PreparedToken {
  const names = namesOf(token)
  const scopes: Scope[] = []
  const digests: number[] = []
  for (const scope of SCOPES) {
    const name = names[scope]
    if (name === undefined) continue
    scopes.push(scope)
    writeDigest(name, scope, digests, digests.length)
  }
  return {
    scopes,
    digests,
    carried: [epochIn(token.issuer_epoch), epochIn(token.client_epoch), epochIn(token.user_epoch)],
  }
}

/**
 * Creates an empty index. A million entries take at most 64 MB.
 *
 * Epochs are stored exactly, up to 2^53; an entry with an `until` beyond the year 2106 never expires. An entry counts up to and
 * including the second `until`.
 *
 * @param options.now milliseconds since the epoch.
 */
export function revocationIndex({ now = Date.now }: { readonly now?: () => number } = {}): RevocationIndex {
  const table = digestTable()
  // Entries with an `issuer_epoch` are stored apart from those without: the two cannot be compared, and both may revoke a token.
  const counted = digestTable({ saysIssuerEpochs: true })
  const digest = new Int32Array(WORDS)
  const seconds = () => Math.floor(now() / 1000)
  let version = 0

  return {
    apply(ended) {
      writeDigest(ended.scope === 'issuer' ? THE_ISSUER : hash(ended.id), ended.scope, digest, 0)
      const { until } = ended
      const epoch = 'epoch' in ended ? ended.epoch : ABOVE_ALL
      const issuerEpoch = ended.scope === 'client' || ended.scope === 'user' ? ended.issuer_epoch : undefined
      const isNews = (issuerEpoch === undefined ? table : counted).put(
        digest,
        0,
        { until, epoch, issuerEpoch },
        seconds(),
      )
      if (isNews) version += 1
      return isNews
    },

    endedBy(token) {
      const { scopes, digests, carried } = 'digests' in token ? token : prepareToken(token)
      const at = seconds()
      const [issuerEpoch = NONE_CARRIED] = carried
      return scopes.find((scope, nth) => {
        const epoch = carried[nth] ?? NONE_CARRIED
        if (epoch < table.epochOf(digests, nth * WORDS, at)) return true
        const isCounted = scope === 'client' || scope === 'user'
        return isCounted && counted.isAbove(issuerEpoch, epoch, digests, nth * WORDS, at)
      })
    },

    prepare: prepareToken,
    expire() {
      table.sweep(seconds())
      counted.sweep(seconds())
    },
    get version() {
      return version
    },
    get size() {
      return table.size + counted.size
    },
    get bytes() {
      return table.bytes + counted.bytes
    },
  }
}
