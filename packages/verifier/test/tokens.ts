import { CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose'
import type { IssuerOptions, VerifierOptions } from '../src/index.ts'

export const ISSUER = 'https://issuer.example'
export const AUDIENCE = 'https://api.example'

/** Seconds since the epoch. */
export const seconds = (): number => Math.floor(Date.now() / 1000)

export interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly jwk: JWK
  readonly sign: (header: object, payload: string) => Promise<string>
  /** The usual claims under a header that is given as text. */
  readonly signText: (header: string) => Promise<string>
  /** A signature as JWS has it, RFC 7518 §3, of whatever it is given. */
  readonly signBytes: (input: Uint8Array) => Promise<Uint8Array>
}

/** A key made for this test, which signs whatever it is given under whatever header. */
export async function signingKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const sign = (header: object, payload: string) =>
    new CompactSign(new TextEncoder().encode(payload))
      .setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header })
      .sign(privateKey, { crit: { 'urn:example:extension': false } })
  const signBytes = async (input: Uint8Array) => {
    const how = { hash: `SHA-${alg.slice(2)}`, saltLength: 32 }
    return new Uint8Array(await crypto.subtle.sign({ ...how, ...privateKey.algorithm }, privateKey, Buffer.from(input)))
  }
  const signText = async (header: string) => {
    const input = [header, JSON.stringify(claimsOf())].map((text) => Buffer.from(text).toString('base64url')).join('.')
    return `${input}.${Buffer.from(await signBytes(Buffer.from(input))).toString('base64url')}`
  }
  return { kid, alg, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }, sign, signText, signBytes }
}

let issued = 0

/** The claims of a good token of a person. */
export const claimsOf = (claims: Readonly<Record<string, unknown>> = {}) => ({
  iss: ISSUER,
  sub: 'user-1',
  aud: AUDIENCE,
  client_id: 'client-1',
  iat: seconds(),
  exp: seconds() + 300,
  jti: `jti-${(issued += 1)}`,
  sid: 'session-1',
  gid: 'grant-1',
  scope: 'orders:read orders:write',
  ...claims,
})

export const tokenBy = (key: SigningKey, claims: Readonly<Record<string, unknown>> = {}, header: object = {}) =>
  key.sign(header, JSON.stringify(claimsOf(claims)))

/** A fetch that knows the metadata and the key sets of these issuers, and nothing else. */
export function network(sets: Readonly<Record<string, readonly JWK[]>>): typeof fetch {
  return async (input) => {
    const url = String(input)
    const entry = Object.entries(sets).find(([issuer]) => url.startsWith(issuer))
    if (entry === undefined) throw new TypeError(`nothing at ${url}`)
    const [issuer, keys] = entry
    const path = url.slice(issuer.length)
    if (path === '/.well-known/oauth-authorization-server')
      return Response.json({ issuer, jwks_uri: `${issuer}/oauth2/jwks` })
    if (path === '/oauth2/jwks' || path === '/revocations/jwks') return Response.json({ keys })
    return new Response(null, { status: 404 })
  }
}

/** Options of a verifier of one issuer without revocations. */
export const optionsFor = (
  keys: readonly SigningKey[],
  options: Partial<VerifierOptions> & Partial<IssuerOptions> = {},
): VerifierOptions => ({
  issuer: ISSUER,
  audience: AUDIENCE,
  revocations: false,
  jwks: { fetch: network({ [ISSUER]: keys.map(({ jwk }) => jwk) }) },
  ...options,
})
