import { setTimeout as pause } from 'node:timers/promises'
import { createVerifier, type Revocations, type Verifier } from '@ledgate/verifier'
import { onTestFinished } from 'vitest'
import type { KnownToken, Witness } from './revocation-oracle.ts'
import { ORDERS } from './world.ts'

export interface OpenVerifier {
  readonly issuer: string
  /** `false`: it hears of none. */
  readonly revocations: Revocations | false
  /** How keys are fetched; default: the global `fetch`. */
  readonly fetch?: typeof fetch
}

/** A verifier of the orders API; it is closed with the test at the latest. */
export function openVerifier({ issuer, revocations, fetch }: OpenVerifier): Verifier {
  const verifier = createVerifier({ issuer, audience: ORDERS, revocations, jwks: fetch === undefined ? {} : { fetch } })
  onTestFinished(() => verifier.close())
  return verifier
}

/** Milliseconds that a verifier may take to become ready, on a machine that has much else to do. */
export const READY_MS = 120_000

const RECENT = 50
const BETWEEN_MS = 4

/** Half of the time one of the newest, about which a verifier is most likely to be wrong. */
function anyOf<Token>(tokens: readonly Token[], random: () => number): Token | undefined {
  const from = random() < 0.5 ? Math.max(0, tokens.length - RECENT) : 0
  return tokens[from + Math.floor(random() * (tokens.length - from))]
}

/** A witness that is asked without pause. */
export interface AskedWitness extends Witness {
  /** Asks it nothing more, and closes its verifier. */
  dismiss(): Promise<void>
}

/** Asks a witness about any of the tokens from now on, until it is dismissed; of those that come later, too. */
export function keepAsking(
  witness: Witness,
  { tokens, random }: { readonly tokens: readonly KnownToken[]; readonly random: () => number },
): AskedWitness {
  const enough = new AbortController()
  onTestFinished(() => enough.abort())

  async function ask(): Promise<void> {
    while (!enough.signal.aborted) {
      const token = anyOf(tokens, random)
      if (token !== undefined) await witness.ask(token)
      await pause(BETWEEN_MS)
    }
  }

  const asking = ask()
  return {
    ...witness,
    async dismiss() {
      enough.abort()
      await asking
      await witness.verifier.close()
    },
  }
}
