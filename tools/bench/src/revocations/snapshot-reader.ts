/** Starts from a snapshot of a server, as a verifier does. Argument: where and as whom, as JSON. */
import { httpRevocations } from '@ledgate/revocation/http'
import { importJWK, type CryptoKey, type JWK } from 'jose'
import { caughtUp } from './caught-up.ts'
import { onGo } from './messages.ts'

export interface SnapshotReader {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
}

const reader = JSON.parse(process.argv[2] ?? '') as SnapshotReader
const { issuer } = reader

async function keysOf(uri: string): Promise<ReadonlyMap<string, CryptoKey>> {
  const { keys } = (await (await fetch(uri)).json()) as { readonly keys: readonly JWK[] }
  const found = new Map<string, CryptoKey>()
  for (const jwk of keys) {
    const key = await importJWK(jwk, jwk.alg)
    if (!(key instanceof Uint8Array)) found.set(jwk.kid ?? '', key)
  }
  return found
}

const keys = await keysOf(`${issuer}/revocations/jwks`)
onGo(() => caughtUp({ sources: [httpRevocations(reader)], issuer, keyFor: (kid) => Promise.resolve(keys.get(kid)) }))
