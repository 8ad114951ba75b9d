import { ASSERTION_ALGS } from '../credential/index.ts'

/** What the metadata says of this server beyond its paths. */
export interface MetadataFacts {
  readonly issuer: string
  /** The scopes that some resource server owns, now. */
  readonly scopes: readonly string[]
  /** The grant types of the token endpoint, by their registered names. */
  readonly grantTypes: readonly string[]
}

/** How clients and resource servers may authenticate at the endpoints that ask for it. */
const authMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

/** Authorization server metadata, RFC 8414 §2. It names what works, and nothing else. */
export function authorizationServerMetadata({ issuer, scopes, grantTypes }: MetadataFacts) {
  return {
    issuer,
    token_endpoint: `${issuer}/oauth2/token`,
    token_endpoint_auth_methods_supported: [...authMethods, 'none'],
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
    jwks_uri: `${issuer}/oauth2/jwks`,
    scopes_supported: [...scopes],
    response_types_supported: [],
    grant_types_supported: [...grantTypes],
    revocation_endpoint: `${issuer}/oauth2/revoke`,
    revocation_endpoint_auth_methods_supported: [...authMethods, 'none'],
    revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
    introspection_endpoint: `${issuer}/oauth2/introspect`,
    introspection_endpoint_auth_methods_supported: authMethods,
    introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
    service_documentation: `${issuer}/openapi.json`,
  }
}
