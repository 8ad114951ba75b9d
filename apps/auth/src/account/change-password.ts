import { InvalidGrant } from '@ledgate/oauth'
import { ERASED, type Sealer } from '@ledgate/vault'
import { type Clock, type CommandContext, consequenceOf, type EventLog, networkOf, type Source } from '../log/index.ts'
import { type ChangedUser, changeUser, readUser, UnknownAccount, unlessErased, type UserState } from '../user/index.ts'
import { type PasswordHasher, type PasswordPolicy, WrongPassword } from '../password/index.ts'
import type { SignIn } from '../sign-in/index.ts'

export interface ChangePasswordDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly hasher: Pick<PasswordHasher, 'hash'>
  readonly policy: PasswordPolicy
  readonly signIn: SignIn
  readonly clock: Clock
}

/** Who asks, as their token says, and the password that proves it once more. */
export interface PasswordProof {
  readonly sub: string
  readonly password: string
  readonly source: Source
  readonly context: CommandContext
}

/** What a user does who has to prove the password for it. */
export interface OwnPassword {
  /**
   * The user at the revision whose password was verified. It is a sign-in like any other, limits included.
   *
   * @throws {WrongPassword | TooManyRequests}
   */
  prove(proof: PasswordProof): Promise<UserState>
  /**
   * Ends every session and grant.
   *
   * @throws {WrongPassword | InvalidPassword | Superseded} the last one when something ended their tokens meanwhile.
   */
  change(proof: PasswordProof, chosen: string): Promise<ChangedUser>
}

const unknown = (cause: unknown) => new UnknownAccount({ cause })

/** The commands over the log. */
export function openOwnPassword({
  log,
  sealer,
  hasher,
  policy,
  signIn,
  clock,
}: ChangePasswordDependencies): OwnPassword {
  async function addressOf(sub: string): Promise<string> {
    const found = await readUser(log, sub)
    const address = found === undefined ? ERASED : await sealer.unseal(found.state.email, 'email')
    if (address === ERASED) throw new UnknownAccount()
    return address
  }

  const prove: OwnPassword['prove'] = async ({ sub, password, source, context }) => {
    try {
      // What a sign-in leaves in the log is no part of the command, and is written later.
      const own = consequenceOf(context)
      return await signIn.signIn({ username: await addressOf(sub), password, source, context: own })
    } catch (error) {
      throw error instanceof InvalidGrant ? new WrongPassword('the current password is wrong', { cause: error }) : error
    }
  }

  return {
    prove,
    change: (proof, chosen) =>
      unlessErased(unknown, async () => {
        await policy.check(chosen, await addressOf(proof.sub))
        const { epoch, data_key } = await prove(proof)
        const password = await sealer.seal(data_key, 'password', await hasher.hash(chosen, networkOf(proof.source)))
        const chosenAt = { password, now: clock.now() }
        const command = { type: 'SetPassword', reason: 'change', chosen: chosenAt, epoch } as const
        return changeUser(log, proof.sub, command, proof.context)
      }),
  }
}
