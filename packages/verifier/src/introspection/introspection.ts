import { formatBasic } from '@ledgate/oauth'
import { z } from 'zod'
import { secureUrl } from '../url/index.ts'
import { timerMs, withDeadline } from '../time/index.ts'
import { boundedText } from '../fetch/index.ts'
import type { Introspector } from './introspector.ts'

export interface IntrospectionOptions {
  /** The introspection endpoint of the issuer, RFC 7662 §2. */
  readonly uri: string
  /** The credentials of this resource server. */
  readonly clientId: string
  readonly clientSecret: string
  readonly fetch?: typeof fetch
  /** 2,000 unless told. */
  readonly timeoutMs?: number
  /** Asks over http on other machines, too: the token and the secret can then be read on the way. */
  readonly allowInsecureRequests?: boolean
}

const Answer = z.looseObject({ active: z.boolean() })

/**
 * Asks the issuer whether a token is active, each time anew: an answer is as old as the question.
 *
 * @throws {TypeError} for an endpoint that is not https, or a time that cannot be meant.
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
    throw new Error(`introspection answered ${response.status}`)
  }
  return (token, signal) => withDeadline((deadline) => ask(token, deadline), timeoutMs, signal)
}
