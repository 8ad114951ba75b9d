import { type Clock, type EventLog } from '../log/index.ts'
import { readResource, type ResourceState } from '../resource/index.ts'
import { parseBasic } from '@ledgate/oauth'
import type { AuthenticationRequest } from './authentication.ts'
import { isLiveSecret, type Secret, sha256 } from '../credential/index.ts'

/** The types of events after which what a resource server has proved itself with may no longer stand. */
export const CREDENTIAL_TYPES = ['ResourceUpdated', 'ResourceDisabled', 'ResourceSecretRevoked'] as const

type Proof = Pick<AuthenticationRequest, 'authorization' | 'body'>

const presented = ({ authorization, body }: Proof): string | undefined =>
  authorization === undefined ? (body['client_secret'] as string | undefined) : parseBasic(authorization)?.clientSecret

/**
 * Whether a resource server that has proved itself could do so by the same credentials now, read from the log at each call: it
 * is not disabled, and has the secret still, or all of the keys one of which signed its assertion.
 */
export function createCredentialCheck(
  { log, clock }: { readonly log: EventLog; readonly clock: Clock },
  proof: Proof,
  resource: ResourceState,
): () => Promise<boolean> {
  const secret = presented(proof)
  const digest = secret === undefined ? undefined : sha256(secret)
  const keys = JSON.stringify(resource.metadata.jwks)
  const isOne = (each: Secret): boolean => each.sha256 === digest && isLiveSecret(each, clock.now())
  return async () => {
    const now = await readResource(log, resource.client_id)
    if (now === undefined || now.state.disabled) return false
    return digest === undefined ? JSON.stringify(now.state.metadata.jwks) === keys : now.state.secrets.some(isOne)
  }
}
