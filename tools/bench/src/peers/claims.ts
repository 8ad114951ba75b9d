import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'

/** What an access token of this product says, when no real one was given to copy. */
export const USUAL_CLAIMS: JWTPayload = {
  iss: 'http://127.0.0.1:65535',
  sub: 'bench-service',
  aud: 'https://api.bench.example',
  client_id: 'bench-service',
  scope: 'bench:read',
  gid: randomUUID(),
  client_epoch: 0,
  issuer_epoch: 0,
}

/** The same claims for a token of this moment. */
export function claimsNow(claims: JWTPayload): JWTPayload {
  const iat = Math.floor(Date.now() / 1000)
  return { ...claims, iat, exp: iat + 300, jti: randomUUID() }
}
