import { enoughReady, type IssuerHealth, type IssuerRuntime } from '../issuer/index.ts'

/** The issuers that a verifier trusts, by name. */
export class Issuers {
  readonly byName: ReadonlyMap<string, IssuerRuntime>

  constructor(issuers: readonly IssuerRuntime[]) {
    this.byName = new Map(issuers.map((issuer) => [issuer.name, issuer]))
  }

  /**
   * The issuer of this name; without a name the only one.
   *
   * @throws {TypeError} if there is none, or several and no name.
   */
  of(name: string | undefined): IssuerRuntime {
    const [only] = this.#all
    const issuer = name === undefined && this.byName.size === 1 ? only : this.byName.get(name ?? '')
    if (issuer === undefined)
      throw new TypeError(name === undefined ? 'which issuer? There are several' : 'unknown issuer')
    return issuer
  }

  /**
   * Starts all, and waits until all are ready, or one is after `timeoutMs`.
   *
   * @returns what is still missing, in words; `undefined` when nothing is.
   * @throws {VerifierError} `verifier_not_ready` when none is ready in time.
   */
  start(timeoutMs: number): Promise<string | undefined> {
    for (const issuer of this.#all) issuer.start()
    return enoughReady(
      this.#all.map((issuer) => issuer.readiness()),
      timeoutMs,
    )
  }

  isAnyReady(): boolean {
    return this.#all.some((issuer) => issuer.isReady())
  }

  health(): readonly IssuerHealth[] {
    return this.#all.map((issuer) => issuer.health())
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((issuer) => issuer.close()))
  }

  get #all(): readonly IssuerRuntime[] {
    return [...this.byName.values()]
  }
}
