import { z } from 'zod'
import { ScopeToken } from './scope.ts'

/** Members of a JWK that only its owner may know: RFC 7518 §6. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** A public key as in RFC 7517 §4. */
const PublicKey = z
  .looseObject({ kty: z.enum(['EC', 'RSA', 'OKP']), kid: z.string().optional() })
  .refine((key) => PRIVATE_MEMBERS.every((member) => !(member in key)), { error: 'holds a private or symmetric key' })

/** A set of public keys as in RFC 7517 §5. */
export const Jwks = z.looseObject({ keys: z.array(PublicKey).min(1) })

export const TokenEndpointAuthMethod = z.enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'])
export type TokenEndpointAuthMethod = z.infer<typeof TokenEndpointAuthMethod>

export const GrantType = z.enum(['password', 'client_credentials', 'refresh_token', 'authorization_code'])
export type GrantType = z.infer<typeof GrantType>

/** A lifetime in seconds. */
const Lifetime = z.int().positive()

/** Where a browser goes back to: absolute, without a fragment. RFC 6749 §3.1.2. */
const RedirectUri = z
  .url()
  .refine((value) => !value.includes('#'), { error: 'has a fragment' })
  .refine((value) => !/^(javascript|data|vbscript|file):/i.test(value), { error: 'has a scheme that runs code' })

const ScopeList = z
  .string()
  .refine((value) => value === '' || value.split(' ').every((token) => ScopeToken.safeParse(token).success), {
    error: 'is no list of scope tokens (RFC 6749 §3.3)',
  })

/** A client as registered: RFC 7591 §2, and Ledgate's own lifetimes. */
export const ClientMetadata = z
  .strictObject({
    client_name: z.string().max(256).optional(),
    client_uri: z.url().optional(),
    logo_uri: z.url().optional(),
    tos_uri: z.url().optional(),
    policy_uri: z.url().optional(),
    contacts: z.array(z.string().max(256)).optional(),
    software_id: z.string().max(256).optional(),
    software_version: z.string().max(256).optional(),
    redirect_uris: z.array(RedirectUri).default([]),
    token_endpoint_auth_method: TokenEndpointAuthMethod.default('client_secret_basic'),
    grant_types: z.array(GrantType).default(['authorization_code']),
    response_types: z.array(z.enum(['code'])).default([]),
    /** The scope tokens the client may ask for, separated by spaces. */
    scope: ScopeList.default(''),
    jwks: Jwks.optional(),
    access_token_expires_in: Lifetime.optional(),
    refresh_token_expires_in: Lifetime.optional(),
    refresh_token_idle_expires_in: Lifetime.optional(),
    /** Seconds for which a spent refresh token is answered again without a `refresh_attempt`. */
    refresh_token_grace: z.int().nonnegative().max(300).optional(),
  })
  .superRefine((client, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    const isPublic = client.token_endpoint_auth_method === 'none'
    if (isPublic && client.grant_types.includes('client_credentials'))
      refuse('grant_types', 'a public client has no credentials to get a token by (RFC 6749 §4.4)')
    if (client.token_endpoint_auth_method === 'private_key_jwt' && client.jwks === undefined)
      refuse('jwks', 'is needed by private_key_jwt')
  })
export type ClientMetadata = z.infer<typeof ClientMetadata>

/** A resource server as registered: its RFC 8707 identifier, and the scopes it owns. */
export const ResourceMetadata = z.strictObject({
  resource: z.url().refine((value) => !value.includes('#'), { error: 'has a fragment (RFC 8707 §2)' }),
  scopes_supported: z
    .array(
      ScopeToken.refine((token) => !isOpenIdScope(token), {
        error: 'is a scope of OpenID, which no resource server owns',
      }),
    )
    .default([]),
  jwks: Jwks.optional(),
})
export type ResourceMetadata = z.infer<typeof ResourceMetadata>

const OPENID_SCOPES = new Set(['openid', 'profile', 'email', 'address', 'phone', 'offline_access'])

/** Whether a scope is one of OpenID Connect Core §5.4 and §11: no resource server owns it. */
export const isOpenIdScope = (token: string): boolean => OPENID_SCOPES.has(token)
