import { type HashedName, hashed, hashedOnce, WORDS, writeDigest } from './digest.ts'
import { digestTable } from './digest-table.ts'
import { type Ended, type Scope, SCOPES } from '../statement/index.ts'
import type { TokenFacts } from './token-facts.ts'

/** A token made ready to be asked about again and again: everything that can be computed once is. */
export interface PreparedToken {
  /** The scopes that can end it. */
  readonly scopes: readonly Scope[]
  /** Their digests, one after another. */
  readonly digests: readonly number[]
  /** The epochs it carries in the first of them, -1 where it carries none; it carries none in the others. */
  readonly carried: readonly number[]
}

/** Answers exactly, from memory and at once, whether a token of one issuer has ended. */
export interface RevocationIndex {
  /**
   * Takes in that something has ended. In any order and any number of times, with the same verdicts.
   *
   * @returns whether it was news; what no longer matters never is.
   */
  apply(ended: Ended): boolean
  /** The first scope by which a token is dead, or `undefined` while it lives. */
  endedBy(token: TokenFacts | PreparedToken): Scope | undefined
  /** The same for every index of this version: it stays good for as long as the token does. */
  prepare(token: TokenFacts): PreparedToken
  /** Rises with every change that can end a token: whoever found one alive need not ask again before. */
  readonly version: number
  /** Entries held; those that no longer matter are given up a little later. */
  readonly size: number
  /** Bytes that the entries take, with the room for more. */
  readonly bytes: number
  /** Gives up all entries that no longer matter. They also go by and by as others come. */
  expire(): void
}

/** An index is of one issuer, so its name need not be told apart from others. */
const THE_ISSUER = hashed('')

/** The epoch of a scope that has none: above whatever a token carries. */
const ABOVE_ALL = Number.POSITIVE_INFINITY

const NONE_CARRIED = -1

/** What is no epoch counts as none, and none is below all. */
const epochIn = (claim: number | undefined): number =>
  claim !== undefined && Number.isSafeInteger(claim) && claim >= 0 ? claim : NONE_CARRIED

/** By which name a token can be ended in each scope. Every one counts: none hides another. */
function namesOf({ client_id, sub, sid, gid, jti, kid, isOffline }: TokenFacts): Record<Scope, HashedName | undefined> {
  const session = sid === undefined ? undefined : hashed(sid)
  return {
    issuer: THE_ISSUER,
    client: hashedOnce(client_id),
    user: hashed(sub),
    session,
    online_session: isOffline ? undefined : session,
    grant: gid === undefined ? undefined : hashed(gid),
    jti: hashed(jti),
    key: hashedOnce(kid),
  }
}

/** A token made ready for {@link RevocationIndex.endedBy}: its names are hashed here, once. */
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
 * An index that knows of nothing yet. A million entries take at most 64 MB.
 *
 * Epochs are kept as they are, up to 2^53; an `until` beyond the year 2106 does not fit and is kept for good. An entry
 * counts up to and including its second `until`.
 *
 * @param options.now milliseconds since the epoch.
 */
export function revocationIndex({ now = Date.now }: { readonly now?: () => number } = {}): RevocationIndex {
  const table = digestTable()
  // Apart from those without: an epoch that does not say in which life of the log it was counted is neither above nor below one
  // that does, and both may end a token.
  const counted = digestTable({ saysIssuerEpochs: true })
  const digest = new Int32Array(WORDS)
  const seconds = () => Math.floor(now() / 1000)
  let version = 0

  return {
    apply(ended) {
      writeDigest(ended.scope === 'issuer' ? THE_ISSUER : hashed(ended.id), ended.scope, digest, 0)
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
