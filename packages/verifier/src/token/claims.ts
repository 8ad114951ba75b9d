import { ScopeToken } from '@ledgate/oauth'
import { z } from 'zod'

/** Seconds since the epoch, RFC 7519 §2: an integer or not, but a number. */
const NumericDate = z.number().nonnegative()
const Name = z.string().min(1).max(255)
const Epoch = z.int().nonnegative()
const Names = z.array(z.string())

const stringsOf = (value: unknown): string[] | undefined => {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : undefined
}

/** Names in the form of other issuers: one may be a string. Any other shape grants nothing, and does not invalidate the token. */
const AnyNames = z.unknown().transform(stringsOf).optional()

/** Scopes in the form of other issuers: also as a list of scope tokens (RFC 6749 §3.3). */
const AnyScope = z
  .unknown()
  .transform((value) =>
    Array.isArray(value)
      ? stringsOf(value)
          ?.filter((scope) => ScopeToken.safeParse(scope).success)
          .join(' ')
      : typeof value === 'string'
        ? value
        : undefined,
  )
  .optional()

/** Claims about the user only: a guard that needs one refuses if it has another shape. */
const Lenient = {
  scope: AnyScope,
  roles: AnyNames,
  entitlements: AnyNames,
  amr: AnyNames,
  acr: z.string().optional().catch(undefined),
  auth_time: NumericDate.optional().catch(undefined),
}

/** The claims of access tokens in every profile. A claim that is present must have the right type. */
const Common = {
  iss: z.string(),
  sub: Name,
  aud: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  exp: NumericDate,
  nbf: NumericDate.optional(),
  scope: z.string().optional(),
  roles: Names.optional(),
  entitlements: Names.optional(),
  acr: z.string().optional(),
  amr: Names.optional(),
  auth_time: NumericDate.optional(),
  sid: Name.optional(),
  gid: Name.optional(),
  issuer_epoch: Epoch.optional(),
  client_epoch: Epoch.optional(),
  user_epoch: Epoch.optional(),
  cnf: z.looseObject({ jkt: z.string().min(1).optional() }).optional(),
}

/** RFC 9068 §2.2: all of these are required. */
const AccessToken = z.object({ ...Common, client_id: Name, iat: NumericDate, jti: Name })

/** The same for issuers that use other shapes. */
const LenientAccessToken = z.object({ ...Common, ...Lenient, client_id: Name, iat: NumericDate, jti: Name })

/** The same for issuers that omit some claims. */
const LenientToken = z.object({
  ...Common,
  ...Lenient,
  client_id: Name.optional(),
  azp: Name.optional().catch(undefined),
  iat: NumericDate.optional(),
  jti: Name.optional(),
})

/** The claims of a token of any profile. */
export type TokenClaims = z.infer<typeof LenientToken>

export type Profile = 'at+jwt' | 'lenient'

/** The accepted values of `typ`, RFC 9068 §4: `application/` may be omitted, and case does not matter. */
const TYPES: Readonly<Record<Profile, readonly string[]>> = { 'at+jwt': ['at+jwt'], lenient: ['at+jwt', 'jwt', ''] }

/** Whether a `typ` is that of an access token. */
export const isAccessTokenType = (typ: unknown, profile: Profile): boolean =>
  (typ === undefined || typeof typ === 'string') &&
  TYPES[profile].includes((typ ?? '').toLowerCase().replace(/^application\//, ''))

/**
 * Reads the claims of an access token.
 *
 * @param canBeRevoked requires the claims that revocations refer to, in every profile: omitting one must not escape revocation.
 * @returns the claims, or the names of those that are missing or of the wrong type.
 */
export function readClaims(
  payload: unknown,
  profile: Profile,
  canBeRevoked: boolean,
): { readonly claims: TokenClaims } | { readonly fault: string } {
  const schema = profile === 'at+jwt' ? AccessToken : canBeRevoked ? LenientAccessToken : LenientToken
  const { data, error } = schema.safeParse(payload)
  if (data !== undefined) return { claims: data }
  return { fault: error.issues.map(({ path }) => path.join('.')).join(', ') }
}
