import {
  type ClientMetadata,
  type Jwks,
  newClientMetadata,
  newResourceMetadata,
  type ResourceMetadata,
} from '@ledgate/oauth'
import type { z } from 'zod'
import { ASSERTION_ALGS, flawOf, verifiesBy } from '../credential/index.ts'

interface WithKeys {
  readonly jwks?: Jwks | undefined
}

/** What is registered is used later: a key that could not be is refused now, while somebody can be told. */
function refuseUselessKeys({ jwks }: WithKeys, context: z.RefinementCtx): void {
  for (const [index, key] of (jwks?.keys ?? []).entries()) {
    const message = flawOf(key)
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['jwks', 'keys', index], message })
  }
}

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

/** Metadata by which a resource server may be changed that has other metadata so far. */
export const resourceUpdate = (kept?: ResourceMetadata) => newResourceMetadata(kept).superRefine(refuseUselessKeys)

/** Metadata by which a resource server may be registered. */
export const ResourceRegistration = resourceUpdate()
