import { type Jwks, NewClientMetadata, NewResourceMetadata } from '@ledgate/oauth'
import type { z } from 'zod'
import { ASSERTION_ALGS } from './assertion.ts'
import { flawOf, verifiesBy } from './usable-keys.ts'

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

/** Metadata by which a client may be registered, or changed: whatever it says can be used. */
export const ClientRegistration = NewClientMetadata.superRefine((metadata, context) => {
  refuseUselessKeys(metadata, context)
  const { token_endpoint_auth_method: method, jwks } = metadata
  if (method !== 'private_key_jwt' || jwks === undefined) return
  if (!jwks.keys.some((key) => verifiesBy(key, ASSERTION_ALGS)))
    context.addIssue({ code: 'custom', path: ['jwks'], message: 'has no key that private_key_jwt could be signed by' })
})

/** Metadata by which a resource server may be registered, or changed. */
export const ResourceRegistration = NewResourceMetadata.superRefine(refuseUselessKeys)
