import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'
import { basic } from '../load/request.ts'
import type { Bootstrap } from './bootstrap.ts'

/**
 * A token of the service.
 *
 * @throws {Error} when the answer is no 200 with a token.
 */
export async function sampleToken(
  port: number,
  { service, scope }: Bootstrap,
  path = '/oauth2/token',
): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { authorization: basic(service) },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  })
  const text = await answer.text()
  const token = /"access_token"\s*:\s*"([^"]+)"/.exec(text)?.[1]
  if (answer.status !== 200 || token === undefined) throw new Error(`no token: ${answer.status} ${text.slice(0, 200)}`)
  return token
}

/**
 * The claims of a token that a server really gives, for the signing-only peer to copy.
 *
 * @throws {Error} when the answer is not a 200 with an ES256 JWT: every ratio would compare different work.
 */
export async function sampleClaims(port: number, bootstrap: Bootstrap, path?: string): Promise<JWTPayload> {
  const token = await sampleToken(port, bootstrap, path)
  if (decodeProtectedHeader(token).alg !== 'ES256') throw new Error('the token is not signed with ES256')
  return decodeJwt(token)
}
