import { z } from 'zod'
import { secureUrl } from '../url/index.ts'
import { fetchJsonText, type FetchLimits } from '../fetch/index.ts'

const Metadata = z.looseObject({ issuer: z.string(), jwks_uri: z.url() })

/** The URLs of metadata: RFC 8414 §3 puts the well-known part before the path of the issuer, OpenID Connect after it. */
function addresses(issuer: URL): readonly string[] {
  const path = issuer.pathname.replace(/\/$/, '')
  return [
    `${issuer.origin}/.well-known/oauth-authorization-server${path}`,
    `${issuer.origin}${path}/.well-known/openid-configuration`,
  ]
}

export interface Discovery extends FetchLimits {
  readonly issuer: string
  readonly allowInsecureRequests: boolean
}

/**
 * The `jwks_uri` from the metadata of an issuer.
 *
 * @throws {Error} if the metadata cannot be fetched, are those of another issuer (RFC 8414 §3.3), or contain an insecure URL.
 */
export async function discoverJwksUri({ issuer, allowInsecureRequests, ...limits }: Discovery): Promise<string> {
  let failure: unknown
  for (const address of addresses(secureUrl(issuer, allowInsecureRequests))) {
    try {
      const metadata = Metadata.parse(JSON.parse(await fetchJsonText(address, limits)))
      if (metadata.issuer !== issuer) throw new Error(`${address} has the metadata of another issuer`)
      return secureUrl(metadata.jwks_uri, allowInsecureRequests).href
    } catch (error) {
      failure ??= error
    }
  }
  throw failure
}
