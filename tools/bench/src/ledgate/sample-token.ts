import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'
import type { Bootstrap } from './bootstrap.ts'

/**
 * The claims of a token that the server really gives, for the signing-only peer to copy.
 *
 * @throws {Error} when the answer is not a 200 with an ES256 JWT: every ratio would compare different work.
 */
export async function sampleClaims(port: number, { service, scope }: Bootstrap): Promise<JWTPayload> {
  const answer = await fetch(`http://127.0.0.1:${port}/oauth2/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${service.id}:${service.secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  })
  const text = await answer.text()
  const token = /"access_token"\s*:\s*"([^"]+)"/.exec(text)?.[1]
  if (answer.status !== 200 || token === undefined) throw new Error(`no token: ${answer.status} ${text.slice(0, 200)}`)
  if (decodeProtectedHeader(token).alg !== 'ES256') throw new Error('the token is not signed with ES256')
  return decodeJwt(token)
}
