import { decodeJwt } from 'jose'
import type { Requests } from './requests.ts'
import type { KnownToken } from './revocation-oracle.ts'
import { BATCH, WEB } from './world.ts'

/** A token that can be revoked by whoever had it issued. */
export interface RevocableToken extends KnownToken {
  /** What is presented to end it: itself, or the refresh token that came with it. */
  readonly presented: string
  readonly client: string
  /** By which its notice names what ended: the token, or the grant that it is of. */
  readonly endedId: string
}

const untouched = { sentAt: undefined, acknowledgedAt: undefined }

/** A token of a service. @throws {Error} when it is not issued. */
export async function serviceToken({ token }: Requests): Promise<RevocableToken> {
  const { status, body } = await token({ grant_type: 'client_credentials' }, BATCH)
  if (status !== 200) throw new Error(`no token was issued: ${status}`)
  const text = String(body['access_token'])
  return { text, presented: text, client: BATCH, endedId: String(decodeJwt(text).jti), ...untouched }
}

/** A token of a person who signed in, which ends with its grant. @throws {Error} when it is not issued. */
export async function personToken({ signIn }: Requests): Promise<RevocableToken> {
  const { status, body } = await signIn()
  if (status !== 200) throw new Error(`nobody was signed in: ${status}`)
  const text = String(body['access_token'])
  const presented = String(body['refresh_token'])
  return { text, presented, client: WEB, endedId: String(decodeJwt(text)['gid']), ...untouched }
}

/** What a revocation was answered. */
export interface Revoked {
  readonly isAcknowledged: boolean
  /** Whether the answer says that everybody was told. */
  readonly isPublished: boolean
}

/** Revokes it and takes note of when; without an answer, nobody knows whether it is revoked. */
export async function revoke({ revoke }: Requests, token: RevocableToken, prefer?: string): Promise<Revoked> {
  token.sentAt ??= performance.now()
  const headers = prefer === undefined ? {} : { prefer }
  const answer = await revoke(token.presented, token.client, headers).catch(() => undefined)
  if (answer?.status !== 200) return { isAcknowledged: false, isPublished: false }
  token.acknowledgedAt ??= performance.now()
  return { isAcknowledged: true, isPublished: answer.headers.has('preference-applied') }
}
