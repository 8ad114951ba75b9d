import { formatBasic } from '@ledgate/oauth'
import { z } from 'zod'
import { secureUrl } from '../url/index.ts'
import { timerMs, withDeadline } from '../time/index.ts'
import { boundedText } from '../fetch/index.ts'
import type { Introspector } from './introspector.ts'

export interface IntrospectionOptions {
  /** The URL of the introspection endpoint of the issuer, RFC 7662 §2. */
  readonly uri: string
  /** The credentials of this resource server. */
  readonly clientId: string
  readonly clientSecret: string
  readonly fetch?: typeof fetch
  /** Milliseconds that a request may take. Default: 2,000. */
  readonly timeoutMs?: number
  /** Sends requests over http to other machines, too: anyone on the network path can then read the token and the secret. */
  readonly allowInsecureRequests?: boolean
}

const Answer = z.looseObject({ active: z.boolean() })

/**
 * Asks the issuer whether a token is active, with one request each time: answers are not cached.
 *
 * @throws {TypeError} if the endpoint is not https, or the timeout is invalid.
 * @example
 * ```ts
 * import { introspection, type OnStale } from '@ledgate/verifier'
 *
 * export const onStale: OnStale = {
 *   policy: {
 *     introspect: introspection({
 *       uri: 'https://id.example/oauth2/introspect',
 *       clientId: 'orders-api',
 *       clientSecret: String(process.env['CLIENT_SECRET']),
 *     }),
 *   },
 * }
 * ```
 */
export function introspection({
  uri,
  clientId,
  clientSecret,
  fetch = globalThis.fetch,
  timeoutMs = 2_000,
  allowInsecureRequests = false,
}: IntrospectionOptions): Introspector {
  timerMs(timeoutMs, 'timeoutMs')
  const endpoint = secureUrl(uri, allowInsecureRequests).href
  const authorization = formatBasic({ clientId, clientSecret })
  const ask = async (token: string, signal: AbortSignal): Promise<boolean> => {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { authorization, accept: 'application/json' },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
      redirect: 'error',
      signal,
    })
    if (response.status === 200) return Answer.parse(JSON.parse(await boundedText(response))).active
    await response.body?.cancel()
    throw new Error(`the introspection endpoint answered ${response.status}`)
  }
  return (token, signal) => withDeadline((deadline) => ask(token, deadline), timeoutMs, signal)
}
