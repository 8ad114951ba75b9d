import { runDecision } from '@ledgate/eventsourcing'
import { ERASED, type Sealer } from '@ledgate/vault'
import { InvalidGrant } from '@ledgate/oauth'
import { type Clock, type CommandContext, type EventLog, networkOf, type Source } from '../log/index.ts'
import { type LinkKeys, type MailAllowance, type OpenLink, openLink, requestMail, resetLink } from '../mail/index.ts'
import { type Addresses, hmacOfUser, InvalidLink, readOwner } from '../email-address/index.ts'
import { changeUser, readUser, Superseded, unlessErased, type UserState } from '../user/index.ts'
import type { PasswordHasher, PasswordPolicy } from '../password/index.ts'
import type { Places, SignIn } from '../sign-in/index.ts'
import { requireAddress } from './register.ts'

export interface ResetDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly hasher: Pick<PasswordHasher, 'hash'>
  readonly policy: PasswordPolicy
  readonly addresses: Addresses
  readonly linkKeys: LinkKeys
  readonly mayMail: MailAllowance
  readonly places: Pick<Places, 'isKnown'>
  readonly signIn: SignIn
  readonly clock: Clock
  readonly newId: () => string
}

/** A new password by a mailed link. */
export interface NewPasswordByLink {
  readonly token: string
  readonly password: string
  readonly source: Source
  readonly context: CommandContext
}

/** Sets a new password for the reader of the account's emails. */
export interface Reset {
  /**
   * Says the same whether there is an account or not, and writes nothing where there is none; when it says so is for
   * `EvenAnswers` to see to.
   *
   * @throws {InvalidRequest}
   */
  ask(address: string, context: CommandContext): Promise<void>
  /** Changes nothing. @throws {InvalidLink} */
  check(token: string): Promise<void>
  /**
   * Ends every session, grant and token there is. Again with the same password after a lost answer: the same answer.
   *
   * @throws {InvalidLink | InvalidPassword | TooManyRequests}
   */
  redeem(request: NewPasswordByLink): Promise<{ position: string }>
}

const erased = (cause: unknown) => new InvalidLink('the account was erased', { cause })

const mayReset = (user: UserState | undefined): user is UserState =>
  user !== undefined && user.email_verified && !user.disabled && !user.erased

/** Resets over the log: the link is bound to the epoch of the user, which every new password raises, and to the address. */
export function openReset(dependencies: ResetDependencies): Reset {
  const { log, sealer, hasher, policy, addresses, linkKeys, mayMail, places, signIn, clock, newId } = dependencies

  /** The user of an address, and by which reservation it is theirs. */
  async function ownerOf(hmac: string) {
    const owner = await readOwner(log, sealer, addresses.stream(hmac))
    const user = owner && (await readUser(log, owner.sub))?.state
    if (owner === undefined || !mayReset(user)) return undefined
    // An address that was changed is the user's for a moment more: its mailbox has no say in that.
    const isCurrent = (await hmacOfUser(addresses, sealer, user)) === hmac
    return isCurrent ? { user, reservation_id: owner.reservationId } : undefined
  }

  async function open(token: string): Promise<{ link: OpenLink; user: UserState }> {
    const link = await openLink(dependencies, token, 'reset')
    const found = await ownerOf(link.email_hmac)
    if (found === undefined || found.user.sub !== link.sub || found.reservation_id !== link.reservation_id)
      throw new InvalidLink('the address no longer belongs to this user')
    return { link, user: found.user }
  }

  /** It did its work, and whoever sent it did not hear of it: they sign in with what they sent, limits included. */
  async function again(
    user: UserState,
    { password, source, context }: NewPasswordByLink,
  ): Promise<{ position: string }> {
    const username = await sealer.unseal(user.email, 'email')
    if (username === ERASED) throw new InvalidLink('the account was erased')
    try {
      await signIn.signIn({ username, password, source, context })
    } catch (error) {
      throw error instanceof InvalidGrant ? new InvalidLink('the link was already redeemed', { cause: error }) : error
    }
    return { position: await log.store.head() }
  }

  return {
    ask: (text, context) => runDecision(() => ask(text, context)),

    check: (token) =>
      runDecision(async () => {
        const { link, user } = await open(token)
        if (user.epoch !== link.epoch)
          throw new InvalidLink('the link was already redeemed, or the account was changed since')
      }),

    redeem: (request) => runDecision(() => unlessErased(erased, () => redeem(request))),
  }

  async function ask(text: string, context: CommandContext): Promise<void> {
    const address = requireAddress(text)
    const email_hmac = addresses.hmac(address)
    const found = await ownerOf(email_hmac)
    const { source } = context
    const isKnown = found !== undefined && source !== undefined && (await places.isKnown(found.user, source.hash))
    if (!mayMail({ purpose: 'reset', hmac: email_hmac, source, isKnown }) || found === undefined) return
    const [dataKey, mailId] = [await sealer.createDataKey(), newId()]
    const { sub, epoch } = found.user
    const link = await resetLink(linkKeys, {
      email_hmac,
      reservation_id: found.reservation_id,
      sub,
      epoch,
      now: clock.now(),
    })
    const mail = { mailId, template: 'reset-password', to: address, dataKey, isOwnKey: true, link } as const
    await requestMail(log, sealer, { ...mail, context })
  }

  async function redeem(request: NewPasswordByLink): Promise<{ position: string }> {
    const { link, user } = await open(request.token)
    const address = await sealer.unseal(user.email, 'email')
    await policy.check(request.password, address === ERASED ? '' : address)
    if (user.epoch !== link.epoch) return again(user, request)
    const password = await sealer.seal(
      user.data_key,
      'password',
      await hasher.hash(request.password, networkOf(request.source)),
    )
    const chosen = { password, now: clock.now() }
    const command = { type: 'SetPassword', reason: 'reset', chosen, epoch: user.epoch, email: user.email } as const
    const context = { ...request.context, actor: { type: 'user', id: user.sub } as const }
    try {
      const { position } = await changeUser(log, user.sub, command, context)
      return { position }
    } catch (error) {
      if (error instanceof Superseded) return again(user, request)
      throw error
    }
  }
}
