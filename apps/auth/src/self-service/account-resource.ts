import type { BuiltIn } from '../resource/index.ts'

/** The scope by which a client acts for users on their own account: for clients that belong to the house. */
export const ACCOUNT_SCOPE = 'ledgate:account'

/** The `resource` (RFC 8707) that tokens for one's own account are for. */
export const accountAudience = (issuer: string): string => `${issuer}/accounts`

/** One's own account as a resource server. */
export const accountResource = (issuer: string): BuiltIn => ({
  clientId: 'ledgate-accounts',
  metadata: { resource: accountAudience(issuer), scopes_supported: [ACCOUNT_SCOPE] },
})
