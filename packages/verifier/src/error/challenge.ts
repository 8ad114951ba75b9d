import type { ChallengeOptions } from './challenge-options.ts'
import type { ProofChecker } from '../proof-of-possession/index.ts'

/** What the challenges of one resource say, whatever the error. */
export type ChallengeContext = ChallengeOptions & { readonly dpop?: Pick<ProofChecker, 'policy' | 'algorithms'> }

export type Scheme = 'Bearer' | 'DPoP'

/** The parameters of one challenge, in the order in which they are written. */
export type ChallengeParameters = Readonly<Record<string, string | undefined>>

/** What a header cannot carry, RFC 9110 §5.5: such a character becomes a space. */
const UNSENDABLE = /[^\x20-\x7E]/g

/** A quoted-string, RFC 9110 §5.6.4. */
const quoted = (value: string): string => `"${value.replace(UNSENDABLE, ' ').replace(/["\\]/g, '\\$&')}"`

/** One challenge, RFC 9110 §11.6.1: a scheme and its parameters, those left out that have no value. */
export function challenge(scheme: Scheme, parameters: ChallengeParameters): string {
  const written = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${quoted(value)}`],
  )
  return written.length === 0 ? scheme : `${scheme} ${written.join(', ')}`
}

/** In which schemes a token can be presented here. */
const offered = ({ dpop }: ChallengeContext): readonly Scheme[] =>
  dpop === undefined ? ['Bearer'] : dpop.policy === 'require' ? ['DPoP'] : ['Bearer', 'DPoP']

/**
 * The value of `WWW-Authenticate`: each scheme that can be used here, and the error at the one that was tried
 * (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3, RFC 9728 §5.1).
 *
 * @param tried `undefined` when there was no token, and so no error either.
 */
export function wwwAuthenticate(
  error: ChallengeParameters,
  context: ChallengeContext = {},
  tried: Scheme | undefined = undefined,
): string {
  const { realm, resourceMetadata, dpop } = context
  const schemes = offered(context)
  // A scheme that cannot be used here is not named, although it was tried: the error is said at the one that can.
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
