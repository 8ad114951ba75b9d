import type { JsonObject } from '@ledgate/eventsourcing'
import type { Issued } from '../grant/index.ts'
import type { Encryption } from '../resource/index.ts'
import type { Signer } from '../signing-key/index.ts'
import { TYP } from './access-token.ts'
import { encrypted } from './encryption.ts'
import type { Locators } from './locator.ts'

/** What an issued token is made with. */
export interface Making {
  readonly signer: Signer
  readonly locators: Pick<Locators, 'make'>
  readonly encryption: Encryption | undefined
}

/** The access token: signed, and for a resource server that asks for it encrypted after that. */
export async function signed(
  issued: Issued,
  claims: JsonObject,
  { signer, locators, encryption }: Making,
): Promise<string> {
  const jwt = await signer.sign({ typ: TYP }, claims)
  if (encryption === undefined) return jwt
  const { jti, client_id, gid, iat, expires_in } = issued
  return encrypted(jwt, encryption, locators.make({ jti, client_id, gid, exp: iat + expires_in }))
}
