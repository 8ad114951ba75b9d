import type { Sealer } from '@ledgate/vault'
import { type Addresses, email, type EmailRecord, ERASED_REASON, hmacOfUser } from '../email-address/index.ts'
import { type CommandContext, type EventLog, handle } from '../log/index.ts'
import { type Link, MAIL_EVENTS, mailStream } from '../mail/index.ts'
import { changeUser, readUser, type UserState } from '../user/index.ts'
import type { AccountRecord } from './account-record.ts'
import { previousEvent } from './register-reserved.ts'
import { openRegistration } from './pending-registration.ts'

export type Confirmed = Extract<EmailRecord, { type: 'EmailConfirmed' }>

export interface AddressReplacementDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly addresses: Addresses
  /** The context of a command that an event causes. */
  because(event: AccountRecord): CommandContext
}

interface GivenUp {
  /** The `sub` of the owner. */
  readonly owner: string
  /** Only what this reservation took, if it is known. */
  readonly reservationId?: string | undefined
  readonly reason: string
}

/** Releases an address that its owner does not use. */
const giveUp = (
  { log, sealer, addresses, because }: AddressReplacementDependencies,
  hmac: string,
  { owner, reservationId, reason, cause }: GivenUp & { readonly cause: Confirmed },
) =>
  handle(log, { stream: addresses.stream(hmac), decider: email }, async ({ state }) => {
    if (state.status !== 'confirmed' || (await sealer.unseal(state.owner, 'owner')) !== owner) return undefined
    const command = { type: 'GiveUp', reservationId: reservationId ?? state.reservation_id, reason } as const
    return { command, context: because(cause), dataKey: state.data_key }
  })

/** The link with which the address was confirmed. */
async function linkOf(log: EventLog, { data: { mail_id } }: Confirmed): Promise<Link | undefined> {
  const mails = mail_id === undefined ? [] : await log.last(mailStream.of(mail_id), MAIL_EVENTS)
  return mails.find((mail) => mail.type === 'MailRequested')?.data.link
}

/**
 * Replaces the address from which the link was requested, if the user has not changed since. If another address replaced it
 * first, the confirmed address is released.
 */
export async function replaceAddress(
  dependencies: AddressReplacementDependencies,
  event: Confirmed,
  owner: UserState,
): Promise<void> {
  const { log, sealer, addresses, because } = dependencies
  const { replaces, reservation_id } = event.data
  const previous = await previousEvent(log, event)
  if (replaces === undefined || previous?.type !== 'EmailReserved') return
  const registration = await openRegistration(sealer, previous.data.registration)
  if (registration === undefined) return
  const link = await linkOf(log, event)
  if ((await hmacOfUser(addresses, sealer, owner)) === replaces) {
    const sealed = await sealer.seal(owner.data_key, 'email', registration.email)
    // Links from before decision 19 do not name what they are bound to; confirmed ones are completed all the same.
    const bound = link?.from === undefined ? { from: owner.email } : { from: link.from, epoch: link.epoch }
    const change = { type: 'ChangeEmail', ...bound, email: sealed, reservationId: reservation_id } as const
    await changeUser(log, owner.sub, change, because(event))
  }
  await releaseUnused(dependencies, event, { sub: owner.sub, replaces, link })
}

/** Releases whichever of the two addresses the user does not have now. */
async function releaseUnused(
  dependencies: AddressReplacementDependencies,
  event: Confirmed,
  { sub, replaces, link }: { readonly sub: string; readonly replaces: string; readonly link: Link | undefined },
): Promise<void> {
  const { log, sealer, addresses } = dependencies
  const now = await readUser(log, sub)
  const used = now && !now.state.erased ? await hmacOfUser(addresses, sealer, now.state) : undefined
  if (used === undefined) return releaseErased(dependencies, event, sub)
  const confirmed = event.stream.slice('email-'.length)
  const given = { owner: sub, reason: 'the person has another address', cause: event }
  if (used === confirmed) await giveUp(dependencies, replaces, { ...given, reservationId: link?.from_reservation_id })
  else await giveUp(dependencies, confirmed, { ...given, reservationId: event.data.reservation_id })
}

/** A user who was erased between two addresses owns both: releases both. */
export async function releaseErased(
  dependencies: AddressReplacementDependencies,
  event: Confirmed,
  sub: string,
): Promise<void> {
  for (const hmac of [event.stream.slice('email-'.length), event.data.replaces])
    if (hmac !== undefined) await giveUp(dependencies, hmac, { owner: sub, reason: ERASED_REASON, cause: event })
}
