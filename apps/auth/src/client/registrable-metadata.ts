import { type ClientMetadata, newClientMetadata } from '@ledgate/oauth'
import { ASSERTION_ALGS, refuseUselessKeys, verifiesBy } from '../credential/index.ts'

/** Metadata by which a client may be changed that has other metadata so far: whatever it says can be used. */
export const clientUpdate = (kept?: ClientMetadata) =>
  newClientMetadata(kept).superRefine((metadata, context) => {
    refuseUselessKeys(metadata, context)
    const { token_endpoint_auth_method: method, jwks } = metadata
    if (method !== 'private_key_jwt' || jwks === undefined) return
    const message = 'has no key that can verify a private_key_jwt'
    if (!jwks.keys.some((key) => verifiesBy(key, ASSERTION_ALGS)))
      context.addIssue({ code: 'custom', path: ['jwks'], message })
  })

/** Metadata by which a client may be registered. */
export const ClientRegistration = clientUpdate()
