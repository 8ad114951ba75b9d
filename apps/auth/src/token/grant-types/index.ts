import { clientCredentials } from './client-credentials.ts'
import type { GrantTypeEntry, OfferedGrantType } from './grant-type.ts'
import { password } from './password.ts'
import { refreshToken } from './refresh-token.ts'

/** The grant types of the token endpoint, by their registered names: what it dispatches by, and what discovery lists. */
export const grantTypes = {
  password,
  client_credentials: clientCredentials,
  refresh_token: refreshToken,
} satisfies { readonly [Type in OfferedGrantType]: GrantTypeEntry<Type> }

/** The entry of a registered name; `undefined` for a grant type that is not offered. */
export const grantTypeOf = (type: string): GrantTypeEntry | undefined =>
  Object.values<GrantTypeEntry>(grantTypes).find((entry) => entry.type === type)
