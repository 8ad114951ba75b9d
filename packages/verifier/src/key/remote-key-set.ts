import type { Clock } from '@ledgate/revocation'
import { fetchBudget, fetchJsonText, type FetchLimits } from '../fetch/index.ts'
import { finiteMs, timerMs } from '../time/index.ts'
import type { KeysHealth } from './jwks-options.ts'
import type { KeyCache, KeyCacheOptions } from './key-cache.ts'
import { readKeySet, type TrustedKey } from './key-set.ts'
import { type MissingKids, missingKids } from './missing-kids.ts'
import { TrustedKeys } from './trusted-keys.ts'

const REFRESH_AHEAD_MS = 300_000
const MAX_STALE_MS = 86_400_000
const TIMEOUT_MS = 5_000
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 30_000
/** Before the first set: a service that starts before its issuer is ready soon after the issuer is. */
const LONGEST_FIRST_RETRY_MS = 2_000
const SEARCH_EVERY_MS = 5_000
const LONGEST_MISSING_MS = 30_000
/** How many unknown kids are noted while a fetch is under way. */
const MAX_SOUGHT = 1_000

/** One key set, fetched in the background. @throws {TypeError} if a duration is invalid. */
export class RemoteKeySet implements KeyCache {
  readonly #options: KeyCacheOptions
  readonly #clock: Clock
  readonly #refreshAheadMs: number
  readonly #maxStaleMs: number
  readonly #limits: FetchLimits
  readonly #budget: ReturnType<typeof fetchBudget>
  readonly #missing: MissingKids
  readonly #sought = new Set<string>()
  readonly #keys = new TrustedKeys()
  readonly #first = Promise.withResolvers<void>()
  readonly #closing = new AbortController()
  #fetchedAt: { readonly wall: number; readonly monotonic: number } | undefined
  #uri: string | undefined
  #isLocated = false
  #lastError: string | undefined
  #failures = 0
  #isStarted = false
  /** The fetch that is under way, or is due because of an unknown key. */
  #search: PromiseWithResolvers<boolean> | undefined
  #regularTimer: NodeJS.Timeout | undefined
  #earlyTimer: NodeJS.Timeout | undefined

  constructor(options: KeyCacheOptions) {
    const { clock, fetch = globalThis.fetch, timeoutMs = TIMEOUT_MS } = options
    const { refreshAheadMs = REFRESH_AHEAD_MS, maxStaleMs = MAX_STALE_MS } = options
    timerMs(timeoutMs, 'jwks.timeoutMs')
    if (finiteMs(maxStaleMs, 'jwks.maxStaleMs') < timerMs(refreshAheadMs, 'jwks.refreshAheadMs'))
      throw new TypeError('jwks.maxStaleMs is less than refreshAheadMs: the set would be too old again and again')
    this.#options = options
    this.#clock = clock
    this.#refreshAheadMs = refreshAheadMs
    this.#maxStaleMs = maxStaleMs
    this.#limits = { fetch, timeoutMs, signal: this.#closing.signal }
    this.#budget = fetchBudget(clock, options.searchEveryMs ?? SEARCH_EVERY_MS)
    this.#missing = missingKids(clock, options.longestMissingMs ?? LONGEST_MISSING_MS)
    this.#first.promise.catch(() => {}) // Reported by `ready` to its callers.
  }

  get(kid: string): TrustedKey | undefined {
    return this.#keys.get(kid)
  }

  matching(kid: string | undefined, alg: unknown): readonly TrustedKey[] {
    return this.#keys.matching(kid, alg)
  }

  isFresh(): boolean {
    const isYoung = this.#ageMs() <= this.#maxStaleMs
    if (!isYoung && this.#isActive()) void this.#fetchSoon()
    return isYoung
  }

  isReachable(): boolean {
    return this.#failures === 0
  }

  async seek(kid: string, waitMs: number, since?: number): Promise<boolean> {
    if (this.isFresh() && (this.#isAnswered(kid, since) || this.#keys.has(kid) || this.#keys.isBanned(kid))) return true
    if (!this.#isActive()) return false
    if (this.#sought.size < MAX_SOUGHT) this.#sought.add(kid)
    const found = this.#fetchSoon()
    return waitMs > 0 && (await noLongerThan(found, waitMs))
  }

  ban(kid: string): void {
    this.#keys.ban(kid)
  }

  start(): void {
    if (this.#isStarted || this.#closing.signal.aborted) return
    this.#isStarted = true
    void this.#refresh()
  }

  ready(): Promise<void> {
    return this.#first.promise
  }

  health(): KeysHealth {
    return {
      uri: this.#uri,
      ageMs: this.#ageMs(),
      kids: this.#keys.kids,
      ...(this.#lastError !== undefined && { lastError: this.#lastError }),
    }
  }

  close(): void {
    this.#closing.abort(new Error('closed'))
    this.#first.reject(this.#closing.signal.reason)
    clearTimeout(this.#regularTimer)
    clearTimeout(this.#earlyTimer)
    this.#search?.resolve(false)
    this.#keys.clear()
  }

  #isActive(): boolean {
    return this.#isStarted && !this.#closing.signal.aborted
  }

  /** By the clock that says the most: one stands still while the machine sleeps, the other may be set back. */
  #ageMs(): number {
    if (this.#fetchedAt === undefined) return Number.POSITIVE_INFINITY
    const { monotonic, wall } = this.#fetchedAt
    return Math.max(this.#clock.monotonic() - monotonic, this.#clock.wall() - wall)
  }

  /** Whether a fetch has told already that there is no key of this id. */
  #isAnswered(kid: string, since: number | undefined): boolean {
    if (since === undefined) return this.#missing.has(kid)
    return this.#fetchedAt !== undefined && this.#fetchedAt.monotonic > since
  }

  /** Fetches the set as soon as the budget allows; all who ask meanwhile share the fetch. */
  #fetchSoon(): Promise<boolean> {
    if (this.#search === undefined) {
      this.#search = Promise.withResolvers()
      this.#earlyTimer = setTimeout(() => void this.#refresh(), this.#budget.take()).unref()
    }
    return this.#search.promise
  }

  async #refresh(): Promise<void> {
    clearTimeout(this.#regularTimer)
    clearTimeout(this.#earlyTimer)
    this.#search ??= Promise.withResolvers()
    try {
      await this.#load()
      this.#succeed()
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#sought.clear()
      this.#search?.resolve(this.#failures === 0)
      this.#search = undefined
      if (!this.#closing.signal.aborted)
        this.#regularTimer = setTimeout(() => void this.#refresh(), this.#nextMs()).unref()
    }
  }

  async #load(): Promise<void> {
    if (!this.#isLocated || this.#uri === undefined) this.#uri = await this.#options.locate(this.#limits)
    this.#isLocated = true
    const askedAt = { wall: this.#clock.wall(), monotonic: this.#clock.monotonic() }
    const set = await readKeySet(await fetchJsonText(this.#uri, this.#limits), this.#options.algorithms)
    this.#closing.signal.throwIfAborted() // A closed set trusts no key again.
    this.#adopt(set)
    this.#fetchedAt = askedAt
  }

  #adopt(set: readonly TrustedKey[]): void {
    this.#keys.replace(set)
    for (const kid of this.#sought)
      if (this.#keys.has(kid)) this.#missing.delete(kid)
      else this.#missing.add(kid)
  }

  #succeed(): void {
    this.#failures = 0
    this.#lastError = undefined
    this.#first.resolve()
    this.#options.onFetch?.('fetched')
  }

  #fail(error: unknown): void {
    this.#failures += 1
    this.#isLocated = false
    this.#lastError = error instanceof Error ? error.message : String(error)
    if (!this.#closing.signal.aborted) this.#options.onFetch?.('failed', error)
  }

  #nextMs(): number {
    const longest = this.#fetchedAt === undefined ? LONGEST_FIRST_RETRY_MS : LONGEST_RETRY_MS
    const pause =
      this.#failures === 0 ? this.#refreshAheadMs : Math.min(longest, FIRST_RETRY_MS * 2 ** (this.#failures - 1))
    const { random = Math.random } = this.#options
    return pause * (0.9 + 0.1 * random())
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
