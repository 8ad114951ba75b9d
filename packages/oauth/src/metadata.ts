import { z } from 'zod'
import { Jwks, UsableJwks } from './jwks.ts'
import { jsonBytes, LONGEST_LIFETIME, MAX_METADATA_BYTES, MAX_RESOURCE, MAX_SCOPE_TOKEN, MAX_URI } from './limits.ts'
import { isOpenIdScope, ScopeToken } from './scope.ts'

export const TokenEndpointAuthMethod = z.enum(['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'])
export type TokenEndpointAuthMethod = z.infer<typeof TokenEndpointAuthMethod>

export const GrantType = z.enum(['password', 'client_credentials', 'refresh_token', 'authorization_code'])
export type GrantType = z.infer<typeof GrantType>

/** A lifetime in seconds. */
const Lifetime = z.int().positive()

/** Where a browser goes back to: absolute, without a fragment. RFC 6749 §3.1.2. */
const RedirectUri = z
  .url()
  .refine((value) => !value.includes('#'), { error: 'must not have a fragment' })
  .refine((value) => !/^(javascript|data|vbscript|file):/i.test(value), {
    error: 'must not have a scheme that runs code',
  })

/** A page to link to from our own pages: nothing that runs code. */
const WebPage = z.url({ protocol: /^https?$/ })

const ScopeList = z
  .string()
  .refine((value) => value === '' || value.split(' ').every((token) => ScopeToken.safeParse(token).success), {
    error: 'must be space-separated scope tokens (RFC 6749 §3.3)',
  })

/**
 * A client as kept: RFC 7591 §2, and Ledgate's own lifetimes. Whoever registers one goes by
 * {@link NewClientMetadata}: a rule that is added there leaves what was kept before readable.
 */
export const ClientMetadata = z.strictObject({
  client_name: z.string().max(256).optional(),
  client_uri: WebPage.optional(),
  logo_uri: WebPage.optional(),
  tos_uri: WebPage.optional(),
  policy_uri: WebPage.optional(),
  contacts: z.array(z.string().max(256)).max(20).optional(),
  software_id: z.string().max(256).optional(),
  software_version: z.string().max(256).optional(),
  redirect_uris: z.array(RedirectUri).max(100).default([]),
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
  skip_consent: z.boolean().optional(),
  dpop_bound_access_tokens: z.literal(false, { error: 'DPoP is not supported by this version' }).optional(),
  refresh_token_rotation: z.literal(true, { error: 'a refresh token is always rotated' }).optional(),
})
export type ClientMetadata = z.infer<typeof ClientMetadata>

/** What does not fit together, as the name of a member and why. */
function contradictions(client: ClientMetadata): readonly (readonly [path: keyof ClientMetadata, message: string])[] {
  const uses = (type: GrantType) => client.grant_types.includes(type)
  const method = client.token_endpoint_auth_method
  return [
    ...(method === 'none' && uses('client_credentials')
      ? [['grant_types', 'a public client has no credentials to get a token by (RFC 6749 §4.4)'] as const]
      : []),
    ...(method === 'private_key_jwt' && client.jwks === undefined
      ? [['jwks', 'is needed by private_key_jwt'] as const]
      : []),
    ...(client.response_types.includes('code') && !uses('authorization_code')
      ? [['response_types', 'code needs the grant type authorization_code (RFC 7591 §2.1)'] as const]
      : []),
  ]
}

const LIFETIMES = ['access_token_expires_in', 'refresh_token_expires_in', 'refresh_token_idle_expires_in'] as const
const longerThan = (length: number) => `has more than ${length} characters`
const LONG_TOKEN = `has a scope token of more than ${MAX_SCOPE_TOKEN} characters`
/** Whether one of the tokens is too long and was not kept before. */
const hasLongToken = (tokens: readonly string[], kept: readonly string[] = []): boolean =>
  tokens.some((token) => token.length > MAX_SCOPE_TOKEN && !kept.includes(token))
/** Whether the whole is too large, and larger than before. */
const isTooLarge = (metadata: object, kept: object | undefined): boolean =>
  jsonBytes(metadata) > Math.max(MAX_METADATA_BYTES, kept === undefined ? 0 : jsonBytes(kept))
const TOO_LARGE = `the metadata has more than ${MAX_METADATA_BYTES} bytes as JSON`

/**
 * A client as it may be registered, or changed: what it says fits together, and its keys are of use. No limit of length is asked
 * of what an older version kept and the change leaves as it is: it can be taken away, and so can everything beside it.
 *
 * @param kept what it has so far.
 */
export const newClientMetadata = (kept?: ClientMetadata) =>
  ClientMetadata.extend({ jwks: UsableJwks.optional() }).superRefine((client, context) => {
    const refuse = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    for (const [path, message] of contradictions(client)) refuse([path], message)
    for (const path of LIFETIMES)
      if ((client[path] ?? 0) > LONGEST_LIFETIME && client[path] !== kept?.[path])
        refuse([path], `is more than ${LONGEST_LIFETIME} seconds`)
    for (const [index, uri] of client.redirect_uris.entries())
      if (uri.length > MAX_URI && !kept?.redirect_uris.includes(uri))
        refuse(['redirect_uris', index], longerThan(MAX_URI))
    if (hasLongToken(client.scope.split(' '), kept?.scope.split(' '))) refuse(['scope'], LONG_TOKEN)
    if (isTooLarge(client, kept)) refuse([], TOO_LARGE)
  })

/** A client as it may be registered. */
export const NewClientMetadata = newClientMetadata()

/** How a token is encrypted for a resource server: the key, and the content (RFC 7518 §4 and §5). */
export const EncryptionAlg = z.enum(['RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'])
export type EncryptionAlg = z.infer<typeof EncryptionAlg>
export const EncryptionEnc = z.enum(['A128GCM', 'A256GCM', 'A128CBC-HS256', 'A256CBC-HS512'])
export type EncryptionEnc = z.infer<typeof EncryptionEnc>

/** A resource server as kept: its RFC 8707 identifier, the scopes it owns, and how its tokens are encrypted, if they are. */
export const ResourceMetadata = z.strictObject({
  resource: z.url().refine((value) => !value.includes('#'), { error: 'must not have a fragment (RFC 8707 §2)' }),
  scopes_supported: z
    .array(
      ScopeToken.refine((token) => !isOpenIdScope(token), {
        error: 'is a scope of OpenID Connect, which no resource server can own',
      }),
    )
    .default([]),
  jwks: Jwks.optional(),
  access_token_encrypted_response_alg: EncryptionAlg.optional(),
  access_token_encrypted_response_enc: EncryptionEnc.optional(),
})
export type ResourceMetadata = z.infer<typeof ResourceMetadata>

/** The key of a resource server that tokens are encrypted for; the first that fits. */
export function encryptionKey({
  access_token_encrypted_response_alg: alg,
  jwks,
}: Pick<ResourceMetadata, 'access_token_encrypted_response_alg' | 'jwks'>): object | undefined {
  if (alg === undefined) return undefined
  return jwks?.keys.find((key) => {
    const { kty, use, alg: own, crv } = key as Readonly<Record<string, unknown>>
    const fits = alg === 'RSA-OAEP-256' ? kty === 'RSA' : kty === 'EC' || (kty === 'OKP' && crv === 'X25519')
    return fits && use !== 'sig' && (own === undefined || own === alg)
  })
}

const MAX_SCOPES = 100

/**
 * A resource server as it may be registered, or changed: each scope once, and keys that are of use. Limits of length are asked as
 * of a client.
 *
 * @param kept what it has so far.
 */
export const newResourceMetadata = (kept?: ResourceMetadata) =>
  ResourceMetadata.extend({ jwks: UsableJwks.optional() }).superRefine((metadata, context) => {
    const { access_token_encrypted_response_alg: alg, access_token_encrypted_response_enc: enc } = metadata
    const { resource, scopes_supported: scopes } = metadata
    const refuse = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message })
    if (
      scopes.length > Math.max(MAX_SCOPES, kept?.scopes_supported.length ?? 0) ||
      new Set(scopes).size < scopes.length
    )
      refuse('scopes_supported', `names a scope twice, or more than ${MAX_SCOPES}`)
    if (resource.length > MAX_RESOURCE && resource !== kept?.resource) refuse('resource', longerThan(MAX_RESOURCE))
    if (hasLongToken(scopes, kept?.scopes_supported)) refuse('scopes_supported', LONG_TOKEN)
    if (isTooLarge(metadata, kept)) context.addIssue({ code: 'custom', path: [], message: TOO_LARGE })
    if (alg === undefined && enc !== undefined)
      refuse('access_token_encrypted_response_enc', 'needs access_token_encrypted_response_alg')
    if (alg !== undefined && encryptionKey(metadata) === undefined)
      refuse('jwks', 'has no key for access_token_encrypted_response_alg')
  })

/** A resource server as it may be registered. */
export const NewResourceMetadata = newResourceMetadata()
