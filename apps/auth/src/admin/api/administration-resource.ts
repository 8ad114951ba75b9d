import type { BuiltIn } from '../../resource/index.ts'
import { ADMINISTRATION_SCOPES, audienceOf } from '../vocabulary/index.ts'

/** The administration as a resource server. */
export const administrationResource = (issuer: string): BuiltIn => ({
  clientId: 'ledgate-administration',
  metadata: { resource: audienceOf(issuer), scopes_supported: [...ADMINISTRATION_SCOPES] },
})
