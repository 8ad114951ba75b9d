import { InvalidGrant } from '@ledgate/oauth'
import { ERASED, type Sealer } from '@ledgate/vault'
import { createKnownPlaces } from '../limit/index.ts'
import { type CommandContext, type EventLog, networkOf, type Source } from '../log/index.ts'
import { type Addresses, normalizeAddress, readEmail } from '../email-address/index.ts'
import { dummyHash, type PasswordHasher } from '../password/index.ts'
import { DUMMY_SUBJECT, readUser, type UserState } from '../user/index.ts'
import { readLoginHistory } from './login-history.ts'
import type { Claim, LoginGuard } from './login-limits.ts'
import type { LoginLimits } from '../config/index.ts'
import type { LoginRecord } from './login-record.ts'
import type { Places } from './places.ts'

/** The credentials of a sign-in. */
export interface Credentials {
  readonly username: string
  readonly password: string
  readonly source: Source
  readonly context: CommandContext
}

/** Authenticates a user by email address and password. */
export interface SignIn {
  /**
   * The user at the very revision whose password hash was verified, so that a grant opened with its epoch is dead if
   * anything ended the user's tokens meanwhile.
   *
   * @throws {InvalidGrant} when the address or password is wrong, or the user may not sign in: the same work in each case.
   * @throws {TooManyRequests} when the source failed too often; addresses without an account are no exception.
   * @throws {TemporarilyUnavailable} when too many passwords are waiting to be hashed.
   */
  signIn(credentials: Credentials): Promise<UserState>
}

export interface SignInDependencies {
  readonly log: EventLog
  readonly sealer: Pick<Sealer, 'unseal'>
  readonly hasher: Pick<PasswordHasher, 'verify'>
  readonly addresses: Addresses
  readonly guard: LoginGuard
  readonly places: Places
  readonly record: LoginRecord
  /** Nothing is limited without. */
  readonly limits?: LoginLimits | undefined
}

/** Accounts whose past was taken up. */
const REMEMBERED = 100_000

/** Why a sign-in is refused after the password was checked. */
function refusal(user: UserState | undefined, fits: boolean): string | undefined {
  if (user === undefined) return 'unknown account'
  if (!fits) return 'the password is wrong'
  if (!user.email_verified) return 'the address is not confirmed'
  if (user.erased) return 'the account is erased'
  return user.disabled ? 'the account is disabled' : undefined
}

/** Sign-in from the ends of two streams: who has the address, and what is known of that user. */
export function openSignIn(dependencies: SignInDependencies): SignIn {
  const { log, sealer, hasher, addresses, guard, places, record, limits } = dependencies
  /** Accounts whose past is taken up, by their `sub` or the hash of an address that no one has. */
  const resumed = createKnownPlaces<object>(REMEMBERED)
  const nobodysPassword = dummyHash()

  async function find(hmac: string): Promise<{ user: UserState | undefined; phc: string }> {
    await readUser(log, DUMMY_SUBJECT)
    const { state } = await readEmail(log, addresses.stream(hmac))
    const owner = state.status === 'confirmed' ? await sealer.unseal(state.owner, 'owner') : ERASED
    const found = await readUser(log, owner === ERASED ? DUMMY_SUBJECT : owner)
    const phc = found === undefined ? ERASED : await sealer.unseal(found.state.password, 'password')
    return phc === ERASED ? { user: undefined, phc: nobodysPassword } : { user: found?.state, phc }
  }

  /** What the log says of an account is taken up once: a restart forgives nothing. No one is looked up as well. */
  async function resume(account: string, sub: string): Promise<void> {
    if (limits === undefined || resumed.has(account)) return
    guard.resume(account, await readLoginHistory(log, sealer, sub, limits))
    resumed.add(account, '', {})
  }

  /** Who is counted: the user of the address, or an address that no one has. */
  async function claimOf(hmac: string, source: Source): Promise<Claim> {
    const { user } = await find(hmac)
    const account = user?.sub ?? hmac
    await resume(account, user?.sub ?? DUMMY_SUBJECT)
    return { account, source, isKnown: await places.isKnown(user ?? { nobody: hmac }, source.hash) }
  }

  return {
    async signIn({ username, password, source, context }) {
      // What is no address is no one's; it is counted and checked like any other.
      const hmac = addresses.hmac(normalizeAddress(username) ?? `no address: ${username.slice(0, 256)}`)
      const claim = await claimOf(hmac, source)
      const attempt = await guard.begin(claim)
      const owner = claim.isKnown ? source.hash : networkOf(source)
      // Read anew: who waited for a turn must not sign in by a password of before.
      const checked = await find(hmac)
        .then(async ({ user, phc }) => ({ user, fits: await hasher.verify(phc, password, owner) }))
        .catch((error: unknown) => {
          attempt.abandoned()
          throw error
        })
      const reason = refusal(checked.user, checked.fits)
      if (checked.user !== undefined && reason === undefined) {
        attempt.succeeded()
        record.succeeded(checked.user, context)
        await places.add(checked.user, source, context)
        return checked.user
      }
      const until = attempt.failed()
      const error = reason ?? 'unknown account'
      if (checked.user !== undefined) record.failed(checked.user, { reason: error, until, context })
      throw new InvalidGrant(error)
    },
  }
}
