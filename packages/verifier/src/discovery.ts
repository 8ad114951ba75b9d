import { z } from 'zod'
import { fetchJsonText, type FetchLimits } from './fetch-text.ts'

const Metadata = z.looseObject({ issuer: z.string(), jwks_uri: z.url() })

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * An address that keys may be taken from: https, or http on this very machine.
 * @throws {TypeError} for any other, for whoever can change the answer on its way makes tokens; and for one with credentials.
 */
export function secureUrl(address: string, allowInsecureRequests: boolean): URL {
  const url = URL.parse(address)
  // Neither is repeated: there may be a password in it, and `fetch` would quote it.
  if (url === null) throw new TypeError('not a URL')
  if (url.username !== '' || url.password !== '') throw new TypeError('a URL with a user or a password in it')
  const isSecure = url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname))
  if (!isSecure && !(allowInsecureRequests && url.protocol === 'http:'))
    throw new TypeError(`not an https URL: ${address}`)
  return url
}

/** Where metadata are: RFC 8414 §3 puts the well-known part before the path of the issuer, OpenID Connect behind it. */
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
 * The `jwks_uri` of an issuer, out of its metadata.
 * @throws {Error} when they cannot be had, are another issuer's (RFC 8414 §3.3), or name an address that is not safe.
 */
export async function discoverJwksUri({ issuer, allowInsecureRequests, ...limits }: Discovery): Promise<string> {
  let failure: unknown
  for (const address of addresses(secureUrl(issuer, allowInsecureRequests))) {
    try {
      const metadata = Metadata.parse(JSON.parse(await fetchJsonText(address, limits)))
      if (metadata.issuer !== issuer) throw new Error(`${address} is the metadata of another issuer`)
      return secureUrl(metadata.jwks_uri, allowInsecureRequests).href
    } catch (error) {
      failure ??= error
    }
  }
  throw failure
}
