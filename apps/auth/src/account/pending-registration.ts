import { ERASED, type Sealed, type Sealer } from '@ledgate/vault'
import { z } from 'zod'
import { Sub } from '../log/index.ts'

/** Everything that is needed to finish a registration once it is acknowledged. Only ever kept sealed. */
export const Registration = z.strictObject({
  sub: Sub,
  email: z.string(),
  /** The argon2id hash in PHC form. */
  password: z.string(),
  name: z.string().optional(),
  roles: z.array(z.string()),
  entitlements: z.array(z.string()),
})
export type Registration = z.infer<typeof Registration>

/** How long an address is kept for whoever asked for it, in seconds; then somebody else may ask. */
export const RESERVATION_LIFETIME = 600

export const sealRegistration = (
  sealer: Pick<Sealer, 'seal'>,
  dataKey: string,
  registration: Registration,
): Promise<Sealed> => sealer.seal(dataKey, 'registration', JSON.stringify(registration))

/** `undefined` once the reservation is closed and its key destroyed. */
export async function openRegistration(
  sealer: Pick<Sealer, 'unseal'>,
  sealed: Sealed,
): Promise<Registration | undefined> {
  const text = await sealer.unseal(sealed, 'registration')
  return text === ERASED ? undefined : Registration.parse(JSON.parse(text))
}
