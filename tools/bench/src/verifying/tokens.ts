import { randomUUID } from 'node:crypto'
import { encodeStatement } from '@ledgate/revocation'
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export const ISSUER = 'https://id.example.com'
export const AUDIENCE = 'https://orders.example/'
export const TYP = 'at+jwt'

export type Alg = 'ES256' | 'RS256' | 'EdDSA'

/** Tokens of one issuer, and everything that is needed to check them. */
export interface Made {
  readonly alg: Alg
  readonly publicKey: CryptoKey
  readonly publicJwk: JWK
  /** Each as bytes: a token comes over the network, so it is a new string each time, whose hash nobody knows yet. */
  readonly tokens: readonly Buffer[]
  /** Answers for the issuer. */
  readonly fetch: typeof fetch
  /** Its feed: one heartbeat, then silence. */
  readonly feed: () => AsyncIterable<readonly { jws: string; cursor: string }[]>
}

async function keyOf(alg: Alg) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { publicKey, privateKey, jwk: { ...jwk, alg, use: 'sig', kid: await calculateJwkThumbprint(jwk) } }
}

type Key = Awaited<ReturnType<typeof keyOf>>

const tokenOf = (alg: Alg, { privateKey, jwk }: Key, n: number): Promise<string> =>
  new SignJWT({
    client_id: 'web',
    scope: 'orders:read orders:write',
    sid: randomUUID(),
    gid: randomUUID(),
    user_epoch: 0,
    client_epoch: 0,
    issuer_epoch: 0,
    roles: ['buyer'],
    auth_time: Math.floor(Date.now() / 1000),
  })
    .setProtectedHeader({ alg, typ: TYP, kid: jwk.kid })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(`u_${n}`)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey)

/** Makes so many tokens, each for somebody else. */
export async function makeTokens(alg: Alg, count: number): Promise<Made> {
  const [key, feedKey] = await Promise.all([keyOf(alg), keyOf('ES256')])
  const tokens = await Promise.all(Array.from({ length: count }, (_, n) => tokenOf(alg, key, n)))
  const signer = {
    kid: feedKey.jwk.kid,
    sign: (header: { typ: string }, payload: object) =>
      new SignJWT({ ...payload })
        .setProtectedHeader({ alg: 'ES256', kid: feedKey.jwk.kid, ...header })
        .sign(feedKey.privateKey),
  }
  const heartbeat = await encodeStatement(
    { kind: 'heartbeat', through: '1', at: Date.now() },
    { issuer: ISSUER, signer, now: Date.now },
  )
  const sets: Readonly<Record<string, JWK>> = { [`${ISSUER}/jwks`]: key.jwk, [`${ISSUER}/feed-jwks`]: feedKey.jwk }
  return {
    alg,
    publicKey: key.publicKey,
    publicJwk: key.jwk,
    tokens: tokens.map((token) => Buffer.from(token)),
    fetch: async (input) => Response.json({ keys: [sets[String(input)]] }),
    async *feed() {
      yield [{ jws: heartbeat, cursor: '1' }]
      await new Promise(() => undefined)
    },
  }
}
