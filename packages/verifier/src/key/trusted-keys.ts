import type { TrustedKey } from './key-set.ts'

/** The keys of one set that are trusted now. A key that leaves the set is marked as no longer trusted. */
export class TrustedKeys {
  /** Compromised keys, which are never trusted again. */
  readonly #banned = new Set<string>()
  #keys: readonly TrustedKey[] = []
  #byKid: ReadonlyMap<string | undefined, readonly TrustedKey[]> = new Map()

  /** The first key with this id. */
  get(kid: string): TrustedKey | undefined {
    return this.#byKid.get(kid)?.[0]
  }

  has(kid: string): boolean {
    return this.#byKid.has(kid)
  }

  /** The keys with this id, or all where a token has none, that are used with this algorithm. */
  matching(kid: string | undefined, alg: unknown): readonly TrustedKey[] {
    const candidates = kid === undefined ? this.#keys : (this.#byKid.get(kid) ?? [])
    return candidates.filter(({ names }) => names.some((name) => name === alg))
  }

  get kids(): readonly string[] {
    return this.#keys.flatMap(({ kid }) => kid ?? [])
  }

  /** Replaces the set. A key that is in both stays the same object; banned keys are left out. */
  replace(set: readonly TrustedKey[]): void {
    const allowed = set.filter(({ kid }) => kid === undefined || !this.#banned.has(kid))
    this.#trust([...new Set(allowed.map((key) => this.#known(key) ?? key))])
  }

  ban(kid: string): void {
    this.#banned.add(kid)
    this.#trust(this.#keys.filter((key) => key.kid !== kid))
  }

  isBanned(kid: string): boolean {
    return this.#banned.has(kid)
  }

  clear(): void {
    this.#trust([])
  }

  #known({ kid, published }: TrustedKey): TrustedKey | undefined {
    return this.#byKid.get(kid)?.find((key) => key.published === published)
  }

  #trust(next: readonly TrustedKey[]): void {
    for (const key of this.#keys) if (!next.includes(key)) key.isTrusted = false
    this.#keys = next
    this.#byKid = Map.groupBy(next, ({ kid }) => kid)
  }
}
