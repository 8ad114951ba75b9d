import { z } from 'zod'
import { ScopeToken } from './scope.ts'

/** A public key set as in RFC 7517 §5. Keys are checked where they are used. */
export const Jwks = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string().optional() })) })

export const TokenEndpointAuthMethod = z.enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'])
export type TokenEndpointAuthMethod = z.infer<typeof TokenEndpointAuthMethod>

export const GrantType = z.enum(['password', 'client_credentials', 'refresh_token', 'authorization_code'])
export type GrantType = z.infer<typeof GrantType>

const Seconds = z.int().positive()

/** A client as registered: RFC 7591 §2, and Ledgate's own lifetimes, in seconds. */
export const ClientMetadata = z.strictObject({
  client_name: z.string().max(256).optional(),
  redirect_uris: z.array(z.url()).default([]),
  token_endpoint_auth_method: TokenEndpointAuthMethod.default('client_secret_basic'),
  grant_types: z.array(GrantType).default(['authorization_code']),
  response_types: z.array(z.string()).default([]),
  /** The scope tokens the client may ask for, space separated, as RFC 7591 writes them. */
  scope: z.string().default(''),
  jwks: Jwks.optional(),
  access_token_expires_in: Seconds.optional(),
  refresh_token_expires_in: Seconds.optional(),
  refresh_token_idle_expires_in: Seconds.optional(),
  /** How long a spent refresh token is answered again without a `refresh_attempt`. */
  refresh_token_grace: z.int().nonnegative().optional(),
})
export type ClientMetadata = z.infer<typeof ClientMetadata>

/** A resource server as registered: its RFC 8707 identifier and the scopes it owns. */
export const ResourceMetadata = z.strictObject({
  resource: z.url(),
  scopes_supported: z.array(ScopeToken).default([]),
  jwks: Jwks.optional(),
  access_token_encrypted_response_alg: z.string().optional(),
  access_token_encrypted_response_enc: z.string().optional(),
})
export type ResourceMetadata = z.infer<typeof ResourceMetadata>
