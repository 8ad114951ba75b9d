import { runDecision, UnknownOutcome } from '@ledgate/eventsourcing'
import { ERASED, type Sealer } from '@ledgate/vault'
import {
  type Clock,
  type CommandContext,
  consequenceOf,
  type EventLog,
  handle,
  readState,
  retryOnConflict,
} from '../log/index.ts'
import {
  changeEmailLink,
  type LinkKeys,
  type MailAllowance,
  type OpenLink,
  openLink,
  requestMail,
} from '../mail/index.ts'
import {
  type Addresses,
  email,
  emailChange,
  type EmailChangeCommand,
  emailChangeStream,
  hmacOfUser,
  InvalidLink,
  readEmail,
} from '../email-address/index.ts'
import type { Completion } from './completion.ts'
import { readUser, unlessErased, type UserState } from '../user/index.ts'
import { requireNewAddress } from './register.ts'
import { RESERVATION_LIFETIME, sealRegistration } from './pending-registration.ts'

export interface ChangeEmailDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly addresses: Addresses
  readonly linkKeys: LinkKeys
  readonly mayMail: MailAllowance
  readonly completion: Completion
  readonly clock: Clock
  readonly newId: () => string
}

/** Gives an account another address: asked for by its user, proved by the mailbox. */
export interface ChangeEmail {
  /**
   * Emails a link to the new address; if it belongs to another user, only that user is notified. Every link that was
   * asked for before is void from then on, whatever becomes of this one: who corrects a mistyped address is safe at once.
   *
   * @param user who proved the password just now.
   * @throws {InvalidRequest} when the address is none.
   */
  ask(user: UserState, address: string, context: CommandContext): Promise<void>
  /** Changes nothing. @throws {InvalidLink} */
  check(token: string): Promise<void>
  /** Once; again after a lost answer, and with nothing newer asked for: the same answer. @throws {InvalidLink} */
  redeem(token: string, context: CommandContext): Promise<{ position: string }>
}

const erased = (cause: unknown) => new InvalidLink('the account was erased', { cause })

/** Where it is decided which link of a user may change the address. */
const linksOf = (sub: string) => ({ stream: emailChangeStream.of(sub), decider: emailChange })

/**
 * The change over the log. First the stream of the user's links decides whether this is the newest one, then that of the
 * new address whether it is free, and last that of the user whether the address is still the one that the link is for.
 */
export function openChangeEmail(dependencies: ChangeEmailDependencies): ChangeEmail {
  const { log, sealer, addresses, linkKeys, mayMail, completion, clock, newId } = dependencies

  /** The user of a link, while it is not void: whatever ended their tokens since then made it so. */
  async function personOf({ sub = '', epoch }: OpenLink): Promise<UserState> {
    const found = await readUser(log, sub)
    // Whatever ends a user's tokens raises the epoch: also a disabling, after which they may be enabled again, and an erasure.
    if (found === undefined || found.state.epoch !== epoch)
      throw new InvalidLink('the account was changed after the link was requested')
    return found.state
  }

  const linksAt = (sub: string) => readState(log, linksOf(sub))

  async function decideOn({ sub, data_key }: UserState, command: EmailChangeCommand, context: CommandContext) {
    await handle(log, linksOf(sub), () => ({ command, context, dataKey: data_key }))
  }

  /** By which reservation the user's address is theirs. */
  async function currentReservation(user: UserState): Promise<string | undefined> {
    const hmac = await hmacOfUser(addresses, sealer, user)
    const current = hmac === undefined ? undefined : (await readEmail(log, addresses.stream(hmac))).state
    return current?.status === 'confirmed' ? current.reservation_id : undefined
  }

  async function textOf({ to }: OpenLink): Promise<string> {
    const address = await sealer.unseal(to, 'to')
    if (address === ERASED) throw new InvalidLink('the account was erased')
    return address
  }

  /** Does what follows from the confirmation now. @throws {InvalidLink} when another address was faster. */
  async function finish(link: OpenLink): Promise<{ position: string }> {
    const [newest] = await log.last(addresses.stream(link.email_hmac))
    const isOwn = newest?.type === 'EmailConfirmed' && newest.data.reservation_id === link.reservation_id
    const changed = isOwn ? await completion.confirmed(newest) : undefined
    const found = changed && (await readUser(log, changed.state.sub))
    const hmac = found && (await hmacOfUser(addresses, sealer, found.state))
    if (hmac !== link.email_hmac) throw new InvalidLink('a link for another address was requested later')
    return { position: await log.store.head() }
  }

  /** @throws {InvalidLink} if the new address was taken other than through this link. */
  async function requireFree(link: OpenLink): Promise<void> {
    const { state } = await readEmail(log, addresses.stream(link.email_hmac))
    if (state.status === 'confirmed' && state.reservation_id !== link.reservation_id)
      throw new InvalidLink('the address belongs to another account')
  }

  /** A reservation of the new address for the user, and its confirmation. */
  async function assignment(link: OpenLink, { sub }: UserState, dataKey: string, replaces: string) {
    const registration = { sub, email: await textOf(link), password: '', roles: [], entitlements: [] }
    const reservation = {
      reservation_id: link.reservation_id,
      expires_at: clock.now() + RESERVATION_LIFETIME,
      data_key: dataKey,
      registration: await sealRegistration(sealer, dataKey, registration),
    }
    const owner = await sealer.seal(dataKey, 'owner', sub)
    return { type: 'Assign', reservation, owner, proof: { mail_id: link.mailId, replaces } } as const
  }

  /** Takes the new address; nothing when this link did before. */
  async function confirm(link: OpenLink, context: CommandContext): Promise<void> {
    const user = await personOf(link)
    const stream = addresses.stream(link.email_hmac)
    const { state, expected } = await readEmail(log, stream)
    if (state.status === 'confirmed') return // by this link before, or by somebody faster: what follows tells them apart
    const replaces = await hmacOfUser(addresses, sealer, user)
    if (replaces === undefined) throw new InvalidLink('the account was erased')
    const dataKey = await sealer.createDataKey()
    try {
      const events = email.decide(await assignment(link, user, dataKey, replaces), state)
      await log.append(stream, events, { expected, context, dataKey })
    } catch (error) {
      if (!(error instanceof UnknownOutcome)) await sealer.destroyDataKey(dataKey)
      throw error
    }
  }

  return {
    ask: (user, text, context) => runDecision(() => ask(user, text, context)),

    check: (token) => runDecision(() => check(token)),

    redeem: (token, context) => runDecision(() => redeem(token, context)),
  }

  async function ask(user: UserState, text: string, context: CommandContext): Promise<void> {
    const { sub, epoch, email: from, data_key: dataKey } = user
    const address = requireNewAddress(text)
    const email_hmac = addresses.hmac(address)
    const mailId = newId()
    await decideOn(user, { type: 'Ask', mailId }, context)
    // Whoever proved a password is counted by who they are, wherever they are.
    const asker = { hash: sub, text: '' }
    if (!mayMail({ purpose: 'change-email', hmac: email_hmac, source: asker })) return
    // It is asked for from now on: the mail follows.
    const mail = { mailId, to: address, dataKey, isOwnKey: false, context: consequenceOf(context) }
    const { state } = await readEmail(log, addresses.stream(email_hmac))
    if (state.status === 'confirmed') {
      await requestMail(log, sealer, { ...mail, template: 'address-taken' })
      return
    }
    const from_reservation_id = await currentReservation(user)
    const link = await changeEmailLink(linkKeys, {
      email_hmac,
      reservation_id: newId(),
      sub,
      epoch,
      from,
      ...(from_reservation_id !== undefined && { from_reservation_id }),
      now: clock.now(),
    })
    await requestMail(log, sealer, { ...mail, template: 'change-address', link })
  }

  async function check(token: string): Promise<void> {
    const link = await openLink(dependencies, token, 'change-email')
    const user = await personOf(link)
    const links = await linksAt(user.sub)
    // One that was redeemed and did not get to the address, since a process died, can be redeemed again.
    emailChange.decide({ type: 'Redeem', mailId: link.mailId }, links.state)
    if (user.email !== link.from) throw new InvalidLink('the link was already redeemed')
    const { state } = await readEmail(log, addresses.stream(link.email_hmac))
    if (state.status === 'confirmed')
      throw new InvalidLink('the link was already redeemed, or the address belongs to another account')
  }

  async function redeem(token: string, context: CommandContext): Promise<{ position: string }> {
    const link = await openLink(dependencies, token, 'change-email')
    const user = await personOf(link)
    const own = { ...context, actor: { type: 'user', id: user.sub } as const }
    await requireFree(link)
    return unlessErased(erased, async () => {
      await decideOn(user, { type: 'Redeem', mailId: link.mailId }, own)
      await retryOnConflict(() => confirm(link, own))
      return finish(link)
    })
  }
}
