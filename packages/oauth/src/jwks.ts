import { z } from 'zod'

/** The private members of a JWK: RFC 7518 §6, and `priv` of newer key types. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** A public key as in RFC 7517 §4. */
const PublicKey = z
  .looseObject({ kty: z.enum(['EC', 'RSA', 'OKP']), kid: z.string().optional() })
  .refine((key) => PRIVATE_MEMBERS.every((member) => !(member in key)), { error: 'holds a private or symmetric key' })

/** A set of public keys as in RFC 7517 §5, as kept. Whoever registers one goes by {@link UsableJwks}. */
export const Jwks = z.looseObject({ keys: z.array(PublicKey).min(1) })
export type Jwks = z.infer<typeof Jwks>

/** More than a rotation needs; each costs a try when an assertion does not say by which key it is. */
const MAX_KEYS = 20

/** 256 bytes in base64url. */
const MIN_MODULUS = 342

const Base64url = z.string().regex(/^[A-Za-z0-9_-]+$/, { error: 'is not base64url' })

/** RFC 7518 §6.2 and §6.3, RFC 8037 §2: what makes a public key of each kind. */
const Material = z.discriminatedUnion('kty', [
  z.looseObject({ kty: z.literal('EC'), crv: z.enum(['P-256', 'P-384', 'P-521']), x: Base64url, y: Base64url }),
  z.looseObject({
    kty: z.literal('RSA'),
    n: Base64url.min(MIN_MODULUS, { error: 'has fewer than 2048 bits' }),
    e: Base64url,
  }),
  z.looseObject({ kty: z.literal('OKP'), crv: z.enum(['Ed25519', 'X25519']), x: Base64url }),
])

/** Public keys as they may be registered: whole, strong enough, not too many. */
export const UsableJwks = Jwks.superRefine(({ keys }, context) => {
  if (keys.length > MAX_KEYS)
    context.addIssue({ code: 'custom', path: ['keys'], message: `has more than ${MAX_KEYS} keys` })
  keys.forEach((key, index) => {
    for (const { path, message } of Material.safeParse(key).error?.issues ?? [])
      context.addIssue({ code: 'custom', path: ['keys', index, ...path], message })
  })
})
