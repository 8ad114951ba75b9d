import type { ViewReader } from '@ledgate/eventsourcing'
import { ERASED, type Sealer } from '@ledgate/vault'
import { z } from 'zod'
import { Sealed } from '../log/index.ts'
import { flag, limitOf, type Page, texts } from '../projection/index.ts'

const Row = z.object({
  sub: z.string(),
  epoch: z.int(),
  disabled: flag,
  erased: flag,
  email: Sealed,
  email_verified: flag,
  name: Sealed.nullable(),
  roles: texts,
  entitlements: texts,
  registered_at: z.int(),
  password_set_at: z.int(),
})

/** What is shown of a value whose data key was destroyed. */
export const ERASED_TEXT = 'erased'

/** A user as administrators see one: unsealed, or `erased`. Times are in seconds since the epoch. */
export interface UserView extends Omit<z.infer<typeof Row>, 'email' | 'name'> {
  readonly email: string
  readonly name?: string
}

export interface UserQueries {
  bySub(sub: string): Promise<UserView | undefined>
  /** Confirmed users only, by `sub`. */
  list(page?: Page): Promise<readonly UserView[]>
}

const BY_SUB = 'SELECT * FROM users WHERE sub = ?'
const LIST = 'SELECT * FROM users WHERE email_verified = 1 AND sub > ? ORDER BY sub LIMIT ?'

/** @param sealer opens what the read model holds sealed. */
export function userQueries(reader: ViewReader, sealer: Pick<Sealer, 'unseal'>): UserQueries {
  const shown = async (sealed: Sealed, field: string) => {
    const text = await sealer.unseal(sealed, field)
    return text === ERASED ? ERASED_TEXT : text
  }
  const unsealed = async (row: unknown): Promise<UserView> => {
    const { email, name, ...rest } = Row.parse(row)
    return { ...rest, email: await shown(email, 'email'), ...(name !== null && { name: await shown(name, 'name') }) }
  }
  const one = async (row: unknown) => (row === undefined ? undefined : unsealed(row))
  return {
    bySub: (sub) => one(reader.get(BY_SUB, sub)),
    list: ({ after = '', limit } = {}) => Promise.all(reader.all(LIST, after, limitOf(limit)).map(unsealed)),
  }
}
