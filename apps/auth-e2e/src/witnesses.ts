import { setTimeout as pause } from 'node:timers/promises'
import { createVerifier, type Revocations, type Verifier } from '@ledgate/verifier'
import { onTestFinished } from 'vitest'
import type { KnownToken, Witness } from './revocation-oracle.ts'
import { ORDERS } from './world.ts'

export interface OpenVerifier {
  readonly issuer: string
  readonly revocations: Revocations
  /** How keys are fetched; the global `fetch` unless told. */
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

/** Half of the time one of the newest, about which it is most likely to be wrong. */
export function anyOf<Token>(tokens: readonly Token[], random: () => number): Token | undefined {
  const from = random() < 0.5 ? Math.max(0, tokens.length - RECENT) : 0
  return tokens[from + Math.floor(random() * (tokens.length - from))]
}

/** Asks a verifier about one token after another until the signal. */
export async function keepAsking(
  witness: Witness,
  next: () => KnownToken | undefined,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const token = next()
    if (token !== undefined) await witness.ask(token)
    await pause(BETWEEN_MS)
  }
}
