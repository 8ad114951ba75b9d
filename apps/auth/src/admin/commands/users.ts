import { z } from 'zod'
import { Refused } from '../../refusal/index.ts'
import { PersonName } from '../../user/index.ts'
import type { Accounts } from '../users/index.ts'
import { command, type Commands } from './command.ts'
import { Page, Reason, text } from './input.ts'
import { asJson, found, type FreshViews } from './fresh-views.ts'

export interface UserCommandDependencies {
  readonly accounts: Pick<
    Accounts,
    'create' | 'disable' | 'enable' | 'assignRoles' | 'revokeSessions' | 'resetPassword' | 'erase' | 'findSub'
  >
}

const words = z.array(text.max(100)).max(100)

/** A user by `sub`; at the command line by address, too. */
const Person = z.object({ sub: text })

/** The commands about users. */
export function userCommands({ accounts }: UserCommandDependencies, { fresh }: FreshViews): Commands {
  const show = async (sub: string | undefined) =>
    found(sub === undefined ? undefined : await (await fresh()).users.bySub(sub), 'user')
  const isAddress = (person: string) => person.includes('@')
  return {
    'users list': command(Page, async (page) => ({ users: asJson(await (await fresh()).users.list(page)) })),
    'users find': command(z.object({ email: text }), async ({ email }) => show(await accounts.findSub(email))),
    'users show': command(Person, async ({ sub }) => show(isAddress(sub) ? await accounts.findSub(sub) : sub)),
    'users create': command(
      z.object({
        email: text,
        password: text,
        name: PersonName.optional(),
        roles: words.default([]),
        entitlements: words.default([]),
      }),
      async (person, context) => {
        const { sub, isNew, position } = await accounts.create(person, context)
        if (!isNew) throw new Refused('the address already has an account')
        return { sub, position }
      },
    ),
    'users disable': command(Person.extend({ reason: Reason }), async ({ sub, reason }, context) =>
      accounts.disable(sub, reason, context),
    ),
    'users enable': command(Person, async ({ sub }, context) => accounts.enable(sub, context)),
    'users roles': command(Person.extend({ roles: words, entitlements: words }), async ({ sub, ...rights }, context) =>
      accounts.assignRoles(sub, rights, context),
    ),
    'users erase': command(Person.extend({ reason: Reason }), async ({ sub, reason }, context) =>
      accounts.erase(sub, reason, context),
    ),
    'users reset-password': command(Person, async ({ sub }, context) => accounts.resetPassword(sub, context)),
    'users end-sessions': command(Person.extend({ reason: Reason }), async ({ sub, reason }, context) =>
      accounts.revokeSessions(sub, reason, context),
    ),
  }
}
