import type { AccountRecord } from './account-record.ts'
import { ERASED, type Sealed, type Sealer } from '@ledgate/vault'
import type { Clock, EventLog } from '../log/index.ts'
import { type LinkKeys, mailIdFor, once, requestMail, resetLink } from '../mail/index.ts'
import { causedBy } from '../process-manager/index.ts'
import { type Addresses, normalizeAddress, readEmail } from '../email-address/index.ts'
import { type UserState, userStream } from '../user/index.ts'

export interface NoticesDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly addresses: Addresses
  readonly linkKeys: LinkKeys
  readonly clock: Clock
  readonly newId: () => string
}

/** Tells users by mail what was done to their account. Follows the log, so no crash loses a mail; safe to repeat. */
export interface Notices {
  complete(event: AccountRecord): Promise<void>
}

const PROCESS = 'notices'

/** One mail for each event that is worth one. */
export function openNotices({ log, sealer, addresses, linkKeys, clock, newId }: NoticesDependencies): Notices {
  async function send(
    event: AccountRecord,
    { data_key: dataKey }: UserState,
    mail: { readonly to: Sealed; readonly template: 'password-changed' | 'address-changed' },
  ): Promise<void> {
    const to = await sealer.unseal(mail.to, 'email')
    if (to === ERASED) return
    const { template } = mail
    const context = causedBy(event, PROCESS, newId())
    await once(() =>
      requestMail(log, sealer, { mailId: mailIdFor(event.id), template, to, dataKey, isOwnKey: false, context }),
    )
  }

  /** An administrator took the password away: the user gets a link by which to set a new one. */
  async function askForNewPassword(event: AccountRecord, user: UserState): Promise<void> {
    const to = await sealer.unseal(user.email, 'email')
    const address = to === ERASED ? undefined : normalizeAddress(to)
    if (address === undefined) return
    const email_hmac = addresses.hmac(address)
    const { state } = await readEmail(log, addresses.stream(email_hmac))
    if (state.status !== 'confirmed') return
    const { sub, epoch, data_key: dataKey } = user
    const { reservation_id } = state
    const link = await resetLink(linkKeys, { email_hmac, reservation_id, sub, epoch, now: clock.now() })
    const mail = { mailId: mailIdFor(event.id), template: 'reset-password', to: address, dataKey, link } as const
    const context = causedBy(event, PROCESS, newId())
    await once(() => requestMail(log, sealer, { ...mail, isOwnKey: false, context }))
  }

  /** The address that a user had before. */
  async function addressBefore({
    revision,
    data: { user },
  }: Extract<AccountRecord, { type: 'EmailChanged' }>): Promise<Sealed | undefined> {
    const [previous] = await log.page(userStream.of(user.sub), revision - 1n, 1)
    return previous?.data.user.email
  }

  return {
    async complete(event) {
      if (event.type === 'PasswordSet') {
        const { reason, user } = event.data
        if (reason === 'administrator') await askForNewPassword(event, user)
        else if (reason !== 'confirmation') await send(event, user, { to: user.email, template: 'password-changed' })
      }
      if (event.type === 'EmailChanged') {
        const before = await addressBefore(event)
        if (before) await send(event, event.data.user, { to: before, template: 'address-changed' })
      }
    },
  }
}
