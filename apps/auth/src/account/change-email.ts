import { ERASED, type Sealer } from '@ledgate/vault'
import { type Clock, type CommandContext, type EventLog, untilSettled } from '../log/index.ts'
import { changeEmailLink, type LinkKeys, mailStream, requestMail } from '../mail/index.ts'
import { type Addresses, normalizeAddress } from './address.ts'
import type { Completion } from './completion.ts'
import { email } from './email.decider.ts'
import { InvalidLink } from './errors.ts'
import type { UserState } from './events.ts'
import type { MailAllowance } from './mail-allowance.ts'
import { type OpenLink, openLink } from './open-link.ts'
import { readEmail, readUser } from './read.ts'
import { requireAddress } from './register.ts'
import { RESERVATION_LIFETIME, sealRegistration } from './registration.ts'

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

/** Gives an account another address: asked for by its person, proved by the mailbox. */
export interface ChangeEmail {
  /**
   * Mails a link to the new address; if it is somebody's, they are told instead, and nobody else is.
   *
   * @param user who proved the password just now.
   * @throws {InvalidRequest} when the address is none.
   */
  ask(user: UserState, address: string, context: CommandContext): Promise<void>
  /** Changes nothing. @throws {InvalidLink} */
  check(token: string): Promise<void>
  /** Again after a lost answer: the same answer. @throws {InvalidLink} */
  redeem(token: string, context: CommandContext): Promise<{ position: string }>
}

/** The change over the log: the stream of the new address decides, and its event says what follows. */
export function changeEmail(dependencies: ChangeEmailDependencies): ChangeEmail {
  const { log, sealer, addresses, linkKeys, mayMail, completion, clock, newId } = dependencies

  /** The person of a link, while it is not void: whatever ended their tokens since then made it so. */
  async function personOf({ sub = '', epoch }: OpenLink): Promise<UserState> {
    const found = await readUser(log, sub)
    if (found === undefined || found.state.erased || found.state.disabled || found.state.epoch !== epoch)
      throw new InvalidLink('something else was changed since it was asked for')
    return found.state
  }

  async function textOf({ to }: OpenLink): Promise<string> {
    const address = await sealer.unseal(to, 'to')
    if (address === ERASED) throw new InvalidLink('the account was erased')
    return address
  }

  /** Does what follows from the confirmation now. @throws {InvalidLink} when another address was faster. */
  async function finish(link: OpenLink): Promise<{ position: string }> {
    const [newest] = await log.last(addresses.stream(link.email_hmac))
    const changed = newest?.type === 'EmailConfirmed' ? await completion.confirmed(newest) : undefined
    const found = changed && (await readUser(log, changed.state.sub))
    const address = found && (await sealer.unseal(found.state.email, 'email'))
    if (address === undefined || address === ERASED || addresses.hmac(address) !== link.email_hmac)
      throw new InvalidLink('another address took its place')
    return { position: await log.store.head() }
  }

  async function confirm(link: OpenLink, user: UserState, context: CommandContext): Promise<void> {
    const old = await sealer.unseal(user.email, 'email')
    const address = await textOf(link)
    const replaced = old === ERASED ? undefined : normalizeAddress(old)
    if (replaced === undefined) throw new InvalidLink('the account was erased')
    const { sub } = user
    const dataKey = await sealer.createDataKey()
    const registration = { sub, email: address, password: '', roles: [], entitlements: [] }
    const reservation = {
      reservation_id: link.reservation_id,
      expires_at: clock.now() + RESERVATION_LIFETIME,
      data_key: dataKey,
      registration: await sealRegistration(sealer, dataKey, registration),
    }
    const owner = await sealer.seal(dataKey, 'owner', sub)
    const proof = { mail_id: link.mailId, replaces: addresses.hmac(replaced) }
    const stream = addresses.stream(link.email_hmac)
    const { state, expected } = await readEmail(log, stream)
    if (state.status === 'confirmed') {
      await sealer.destroyDataKey(dataKey)
      if (state.reservation_id === link.reservation_id) return
      throw new InvalidLink('the address is somebody’s already')
    }
    const events = email.decide({ type: 'Assign', reservation, owner, proof }, state)
    await log.append(stream, events, { expected, context, dataKey })
  }

  return {
    async ask({ sub, epoch, data_key: dataKey }, text, context) {
      const address = requireAddress(text)
      const email_hmac = addresses.hmac(address)
      const mailId = newId()
      if (!mayMail(email_hmac)) {
        const withheld = { type: 'MailWithheld', data: { mail_id: mailId } } as const
        await log.append(mailStream(mailId), [withheld], { expected: 'noStream', context, dataKey })
        return
      }
      const mail = { mailId, to: address, dataKey, isOwnKey: false, context }
      const { state } = await readEmail(log, addresses.stream(email_hmac))
      const link = changeEmailLink(linkKeys, { email_hmac, reservation_id: newId(), sub, epoch, now: clock.now() })
      if (state.status === 'confirmed') await requestMail(log, sealer, { ...mail, template: 'address-taken' })
      else await requestMail(log, sealer, { ...mail, template: 'change-address', link })
    },

    async check(token) {
      const link = await openLink(dependencies, token, 'change-email')
      await personOf(link)
      const { state } = await readEmail(log, addresses.stream(link.email_hmac))
      if (state.status === 'confirmed') throw new InvalidLink('the link was redeemed, or the address is somebody’s')
    },

    async redeem(token, context) {
      const link = await openLink(dependencies, token, 'change-email')
      const user = await personOf(link)
      const own = { ...context, actor: { type: 'user', id: user.sub } as const }
      await untilSettled(() => confirm(link, user, own))
      return finish(link)
    },
  }
}
