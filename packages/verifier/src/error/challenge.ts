import type { ChallengeOptions } from './challenge-options.ts'
import type { ProofChecker } from '../proof-of-possession/index.ts'

/** The parameters of all challenges of one resource, whatever the error. */
export type ChallengeContext = ChallengeOptions & { readonly dpop?: Pick<ProofChecker, 'policy' | 'algorithms'> }

export type Scheme = 'Bearer' | 'DPoP'

/** The parameters of one challenge, in the order in which they are written. */
export type ChallengeParameters = Readonly<Record<string, string | undefined>>

/** Characters that a header cannot contain, RFC 9110 §5.5; each is replaced with a space. */
const UNSENDABLE = /[^\x20-\x7E]/g

/** A quoted-string, RFC 9110 §5.6.4. */
const quoted = (value: string): string => `"${value.replace(UNSENDABLE, ' ').replace(/["\\]/g, '\\$&')}"`

/** One challenge, RFC 9110 §11.6.1: a scheme and those of its parameters that have a value. */
export function challenge(scheme: Scheme, parameters: ChallengeParameters): string {
  const written = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${quoted(value)}`],
  )
  return written.length === 0 ? scheme : `${scheme} ${written.join(', ')}`
}

/** The schemes in which a token can be presented. */
const offered = ({ dpop }: ChallengeContext): readonly Scheme[] =>
  dpop === undefined ? ['Bearer'] : dpop.policy === 'require' ? ['DPoP'] : ['Bearer', 'DPoP']

/**
 * The value of `WWW-Authenticate`: a challenge for each accepted scheme, with the error in that of the scheme that was used
 * (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3, RFC 9728 §5.1).
 *
 * @param tried `undefined` if there was no token, and therefore no error.
 */
export function wwwAuthenticate(
  error: ChallengeParameters,
  context: ChallengeContext = {},
  tried: Scheme | undefined = undefined,
): string {
  const { realm, resourceMetadata, dpop } = context
  const schemes = offered(context)
  // A scheme that is not accepted has no challenge: the error is in that of the first one that is.
  const erring = tried !== undefined && schemes.includes(tried) ? tried : schemes[0]
  return schemes
    .map((scheme) =>
      challenge(scheme, {
        realm,
        ...(scheme === erring ? error : {}),
        resource_metadata: resourceMetadata,
        algs: scheme === 'DPoP' ? dpop?.algorithms.join(' ') : undefined,
      }),
    )
    .join(', ')
}
