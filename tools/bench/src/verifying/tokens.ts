import { randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export const ISSUER = 'https://id.example.com'
export const AUDIENCE = 'https://orders.example/'
export const TYP = 'at+jwt'
/** Claims that an access token has whatever it says (RFC 9068 §2.2). */
export const REQUIRED = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id']

export const ALGS = ['ES256', 'RS256', 'EdDSA'] as const
export type Alg = (typeof ALGS)[number]

/** Access tokens of one issuer, and the key that checks them. */
export interface Issued {
  readonly alg: Alg
  readonly jwk: JWK & { readonly kid: string }
  readonly tokens: readonly string[]
}

/** An issuer's key. */
export interface Key {
  readonly jwk: Issued['jwk']
  /** Signs a good token for somebody else each time, but for what is said. */
  issue(claims?: Readonly<Record<string, unknown>>, header?: { readonly typ?: string }): Promise<string>
}

const seconds = (): number => Math.floor(Date.now() / 1000)

const claimsNow = () => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: `u_${randomUUID()}`,
  jti: randomUUID(),
  iat: seconds(),
  exp: seconds() + 3_600,
  client_id: 'web',
  scope: 'orders:read orders:write',
  sid: randomUUID(),
  gid: randomUUID(),
  user_epoch: 0,
  client_epoch: 0,
  issuer_epoch: 0,
  roles: ['buyer'],
  auth_time: seconds(),
})

export async function makeKey(alg: Alg): Promise<Key> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  return {
    jwk: { ...jwk, alg, use: 'sig', kid },
    issue: (claims, header) =>
      new SignJWT({ ...claimsNow(), ...claims }).setProtectedHeader({ alg, typ: TYP, kid, ...header }).sign(privateKey),
  }
}

/** Makes so many tokens, no two alike. */
export async function makeTokens(alg: Alg, count: number): Promise<Issued> {
  const { jwk, issue } = await makeKey(alg)
  return { alg, jwk, tokens: await Promise.all(Array.from({ length: count }, () => issue())) }
}
