import { finiteMs, timerMs } from '../time/index.ts'
import { fetchBudget, fetchJsonText, type FetchLimits } from '../fetch/index.ts'
import { readKeySet, type TrustedKey } from './key-set.ts'
import { missingKids } from './missing-kids.ts'
import type { Clock } from '@ledgate/revocation'
import type { SignatureAlgorithm } from '@ledgate/jws'
import type { JwksOptions, KeysHealth } from './jwks-options.ts'

/** The public keys of one set, kept at hand. Looking one up asks nobody; the set is fetched in the background only. */
export interface KeyCache {
  /** The first key of this name, if one is trusted now. */
  get(kid: string): TrustedKey | undefined
  /**
   * The keys that may have signed a token whose header says this, those that are trusted now: of its name, where it says one, and of
   * its algorithm. Almost always one.
   */
  matching(kid: string | undefined, alg: unknown): readonly TrustedKey[]
  /** Whether the set is young enough to be trusted. When it is not, a fetch is under way. */
  isFresh(): boolean
  /** Whether the last fetch went well: if not, a key that is not there may exist all the same. */
  isReachable(): boolean
  /**
   * Has the set fetched because of a key it does not have, as far as the budget allows; one fetch for any number of kids.
   * Settles, and never fails, when it has been looked for, or after `waitMs`.
   *
   * @param since when something named the key, in milliseconds of the monotonic clock: a set that was asked for after that
   * is the answer, and is not asked for again.
   * @returns whether {@link KeyCache.get} now tells for sure if there is such a key: the set is fresh, and has it, or was
   * fetched because of it, or after it was named.
   */
  seek(kid: string, waitMs: number, since?: number): Promise<boolean>
  /** Never trusts a key again, whatever a set says: it has been compromised. */
  ban(kid: string): void
  /** Begins to keep the set up to date. Again is fine. */
  start(): void
  /** When there is a set. Rejects when it is closed before. */
  ready(): Promise<void>
  health(): KeysHealth
  close(): void
}

export interface KeyCacheOptions extends Omit<JwksOptions, 'uri' | 'unknownKidWaitMs'> {
  /** Where the set is; asked again after a failure, for it may have moved. */
  readonly locate: (limits: FetchLimits) => Promise<string>
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly clock: Clock
  /** From 0 to 1: spreads the fetches of many verifiers. */
  readonly random?: () => number
  /** In how many milliseconds strangers can have the set fetched once more, after the first few times; 5,000 unless told. */
  readonly searchEveryMs?: number
  /** How long a key that was not in the set is not looked for again, at the longest; 30,000 unless told. */
  readonly longestMissingMs?: number
  /** Hears how each fetch went. */
  readonly onFetch?: (outcome: 'fetched' | 'failed', error?: unknown) => void
}

const REFRESH_AHEAD_MS = 300_000
const MAX_STALE_MS = 86_400_000
const TIMEOUT_MS = 5_000
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 30_000
/** Before there is a set at all: a service that was started before its issuer is ready soon after that. */
const LONGEST_FIRST_RETRY_MS = 2_000
const SEARCH_EVERY_MS = 5_000
const LONGEST_MISSING_MS = 30_000
/** How many kids are remembered as sought while a fetch is under way. */
const MAX_SOUGHT = 1_000

/** A cache of one key set. @see KeyCache @throws {TypeError} for durations that cannot be meant. */
export function keyCache({
  locate,
  algorithms,
  clock,
  fetch = globalThis.fetch,
  refreshAheadMs = REFRESH_AHEAD_MS,
  maxStaleMs = MAX_STALE_MS,
  timeoutMs = TIMEOUT_MS,
  random = Math.random,
  searchEveryMs = SEARCH_EVERY_MS,
  longestMissingMs = LONGEST_MISSING_MS,
  onFetch = () => {},
}: KeyCacheOptions): KeyCache {
  timerMs(timeoutMs, 'jwks.timeoutMs')
  if (finiteMs(maxStaleMs, 'jwks.maxStaleMs') < timerMs(refreshAheadMs, 'jwks.refreshAheadMs'))
    throw new TypeError('jwks.maxStaleMs is less than refreshAheadMs: the set would be too old again and again')
  const closing = new AbortController()
  const limits: FetchLimits = { fetch, timeoutMs, signal: closing.signal }
  const budget = fetchBudget(clock, searchEveryMs)
  const missing = missingKids(clock, longestMissingMs)
  const sought = new Set<string>()
  const banned = new Set<string>()
  const first = Promise.withResolvers<void>()
  first.promise.catch(() => {}) // Said to whoever waits for it.
  let keys: readonly TrustedKey[] = []
  let byName: ReadonlyMap<string | undefined, readonly TrustedKey[]> = new Map()
  let fetched: { readonly wall: number; readonly monotonic: number } | undefined
  let uri: string | undefined
  let isLocated = false
  let lastError: string | undefined
  let failures = 0
  let isStarted = false
  /** The fetch that is under way, or that strangers have asked for. */
  let search: PromiseWithResolvers<boolean> | undefined
  let regular: NodeJS.Timeout | undefined
  let early: NodeJS.Timeout | undefined

  /** By the clock that says the most: one stands still while the machine sleeps, the other may be set back. */
  const ageMs = (): number =>
    fetched === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(clock.monotonic() - fetched.monotonic, clock.wall() - fetched.wall)

  /** From now on these are trusted, and no other by anybody who kept it. */
  const trust = (next: readonly TrustedKey[]): void => {
    for (const key of keys) if (!next.includes(key)) key.isTrusted = false
    keys = next
    byName = Map.groupBy(next, ({ kid }) => kid)
  }

  /** A key that is still there stays the same object. */
  const adopt = (set: readonly TrustedKey[]): void => {
    const kept = (key: TrustedKey): TrustedKey =>
      byName.get(key.kid)?.find(({ published }) => published === key.published) ?? key
    trust([...new Set(set.filter(({ kid }) => kid === undefined || !banned.has(kid)).map(kept))])
    for (const kid of sought)
      if (byName.has(kid)) missing.delete(kid)
      else missing.add(kid)
  }

  const load = async (): Promise<void> => {
    if (!isLocated || uri === undefined) uri = await locate(limits)
    isLocated = true
    const since = { wall: clock.wall(), monotonic: clock.monotonic() }
    const set = await readKeySet(await fetchJsonText(uri, limits), algorithms)
    closing.signal.throwIfAborted() // What is closed trusts nobody again.
    adopt(set)
    fetched = since
  }

  const nextMs = (): number => {
    const longest = fetched === undefined ? LONGEST_FIRST_RETRY_MS : LONGEST_RETRY_MS
    const pause = failures === 0 ? refreshAheadMs : Math.min(longest, FIRST_RETRY_MS * 2 ** (failures - 1))
    return pause * (0.9 + 0.1 * random())
  }

  const refresh = async (): Promise<void> => {
    clearTimeout(regular)
    clearTimeout(early)
    search ??= Promise.withResolvers()
    try {
      await load()
      failures = 0
      lastError = undefined
      first.resolve()
      onFetch('fetched')
    } catch (error) {
      failures += 1
      isLocated = false
      lastError = error instanceof Error ? error.message : String(error)
      if (!closing.signal.aborted) onFetch('failed', error)
    } finally {
      sought.clear()
      search.resolve(failures === 0)
      search = undefined
      if (!closing.signal.aborted) regular = setTimeout(() => void refresh(), nextMs()).unref()
    }
  }

  /** Has the set fetched as soon as the budget allows; whoever comes meanwhile shares it. */
  const hasten = (): Promise<boolean> => {
    if (search === undefined) {
      search = Promise.withResolvers()
      early = setTimeout(() => void refresh(), budget.take()).unref()
    }
    return search.promise
  }

  const isActive = (): boolean => isStarted && !closing.signal.aborted

  const isFresh = (): boolean => {
    const isYoung = ageMs() <= maxStaleMs
    if (!isYoung && isActive()) void hasten()
    return isYoung
  }

  return {
    get: (kid) => byName.get(kid)?.[0],
    matching: (kid, alg) =>
      (kid === undefined ? keys : (byName.get(kid) ?? [])).filter(({ names }) => names.some((name) => name === alg)),
    isFresh,
    isReachable: () => failures === 0,
    async seek(kid, waitMs, since) {
      const isAnswered = since === undefined ? missing.has(kid) : fetched !== undefined && fetched.monotonic > since
      if (isFresh() && (isAnswered || byName.has(kid) || banned.has(kid))) return true
      if (!isActive()) return false
      if (sought.size < MAX_SOUGHT) sought.add(kid)
      const found = hasten()
      return waitMs > 0 && (await noLongerThan(found, waitMs))
    },
    ban(kid) {
      banned.add(kid)
      trust(keys.filter((key) => key.kid !== kid))
    },
    start() {
      if (isStarted || closing.signal.aborted) return
      isStarted = true
      void refresh()
    },
    ready: () => first.promise,
    health: () => ({
      uri,
      ageMs: ageMs(),
      kids: keys.flatMap(({ kid }) => kid ?? []),
      ...(lastError !== undefined && { lastError }),
    }),
    close() {
      closing.abort(new Error('closed'))
      first.reject(closing.signal.reason)
      clearTimeout(regular)
      clearTimeout(early)
      search?.resolve(false)
      trust([])
    },
  }
}

function noLongerThan(work: Promise<boolean>, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(resolve, ms, false)
  void work.then((outcome) => {
    clearTimeout(timer)
    resolve(outcome)
  })
  return promise
}
