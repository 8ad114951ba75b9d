/** What the metadata says of this server beyond its paths. */
export interface MetadataFacts {
  readonly issuer: string
  /** The scopes that some resource server owns, now. */
  readonly scopes: readonly string[]
}

/** How clients and resource servers may authenticate at the endpoints that ask for it. */
const authMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

/** The signatures a `private_key_jwt` may have. */
const assertionAlgs = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'EdDSA',
  'Ed25519',
]

/** Authorization server metadata, RFC 8414 §2. It names what works, and nothing else. */
export function authorizationServerMetadata({ issuer, scopes }: MetadataFacts) {
  return {
    issuer,
    token_endpoint: `${issuer}/oauth2/token`,
    token_endpoint_auth_methods_supported: [...authMethods, 'none'],
    token_endpoint_auth_signing_alg_values_supported: assertionAlgs,
    jwks_uri: `${issuer}/oauth2/jwks`,
    scopes_supported: [...scopes],
    response_types_supported: [],
    grant_types_supported: ['password', 'client_credentials', 'refresh_token'],
    revocation_endpoint: `${issuer}/oauth2/revoke`,
    revocation_endpoint_auth_methods_supported: [...authMethods, 'none'],
    revocation_endpoint_auth_signing_alg_values_supported: assertionAlgs,
    introspection_endpoint: `${issuer}/oauth2/introspect`,
    introspection_endpoint_auth_methods_supported: authMethods,
    introspection_endpoint_auth_signing_alg_values_supported: assertionAlgs,
    service_documentation: `${issuer}/openapi.json`,
  }
}
