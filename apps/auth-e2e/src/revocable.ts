import { setTimeout as pause } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import type { Answer, Requests } from './requests.ts'
import type { KnownToken } from './revocation-oracle.ts'
import { BATCH, WEB } from './world.ts'

/** A token that its client can revoke. */
export interface RevocableToken extends KnownToken {
  /** What is presented to end it: itself, or the refresh token that came with it. */
  readonly presented: string
  readonly client: string
  /** By which its notice names what ended: the token, or the grant that it is of. */
  readonly endedId: string
}

const untouched = { sentAt: undefined, acknowledgedAt: undefined }

/** Asks until tokens are issued: a server that has too much to do says so with 503. @throws {Error} when they are refused. */
async function issued(ask: () => Promise<Answer>): Promise<Answer['body']> {
  for (;;) {
    const { status, body, text } = await ask()
    if (status === 200) return body
    if (status !== 503) throw new Error(`no token was issued: ${text}`)
    await pause(20)
  }
}

/** A token of a service. */
export async function serviceToken({ token }: Requests): Promise<RevocableToken> {
  const body = await issued(() => token({ grant_type: 'client_credentials' }, BATCH))
  const text = String(body['access_token'])
  return { text, presented: text, client: BATCH, endedId: String(decodeJwt(text).jti), ...untouched }
}

/** A token of a user who signed in, which ends with its grant. */
export async function personToken({ signIn }: Requests): Promise<RevocableToken> {
  const body = await issued(() => signIn())
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

/** Revokes it and takes note of when; without an answer, no one knows whether it is revoked. */
export async function revoke({ revoke }: Requests, token: RevocableToken, prefer?: string): Promise<Revoked> {
  token.sentAt ??= performance.now()
  const headers = prefer === undefined ? {} : { prefer }
  const answer = await revoke(token.presented, token.client, headers).catch(() => undefined)
  if (answer?.status !== 200) return { isAcknowledged: false, isPublished: false }
  token.acknowledgedAt ??= performance.now()
  return { isAcknowledged: true, isPublished: answer.headers.has('preference-applied') }
}
