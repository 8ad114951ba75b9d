import { Conflict, UnknownOutcome } from '@ledgate/eventsourcing'
import { ERASED, type Sealed, type Sealer } from '@ledgate/vault'
import { type EmailRecord, readEmail } from '../email-address/index.ts'
import type { Clock, CommandContext, EventLog } from '../log/index.ts'
import { confirmLink, type LinkKeys, mailIdFor, mailStream, once, requestMail } from '../mail/index.ts'
import { changeUser, readUser, user, type UserState, userStream } from '../user/index.ts'
import type { AccountRecord } from './account-record.ts'
import { openRegistration, type Registration } from './pending-registration.ts'

export type Reserved = Extract<EmailRecord, { type: 'EmailReserved' }>

export interface RegisterReservedDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly linkKeys: LinkKeys
  readonly clock: Clock
  /** The context of a command that an event causes. */
  because(event: AccountRecord): CommandContext
}

/** The event before another one in the stream of an address. */
export async function previousEvent(log: EventLog, event: EmailRecord): Promise<EmailRecord | undefined> {
  if (event.revision === 0n) return undefined
  const [previous] = await log.page(event.stream, event.revision - 1n, 1)
  return previous
}

async function newUser(sealer: Sealer, dataKey: string, registration: Registration, event: Reserved) {
  const { sub, email, password, name, roles, entitlements } = registration
  const sealed = async (field: string, text: string): Promise<Sealed> => sealer.seal(dataKey, field, text)
  return {
    sub,
    data_key: dataKey,
    email: await sealed('email', email),
    password: await sealed('password', password),
    name: name === undefined ? undefined : await sealed('name', name),
    roles,
    entitlements,
    now: Math.floor(event.created / 1000),
  }
}

async function appendRegistered(
  { log, sealer, because }: RegisterReservedDependencies,
  event: Reserved,
  registration: Registration,
): Promise<void> {
  const dataKey = await sealer.createDataKey()
  try {
    const reservationId = event.data.reservation_id
    const data = await newUser(sealer, dataKey, registration, event)
    const events = user.decide({ type: 'Register', reservationId, user: data }, undefined)
    // A new command id each time: the second process must get a conflict, because its data key is not the one in use.
    const written = { expected: 'noStream', context: because(event), dataKey } as const
    await log.append(userStream.of(registration.sub), events, written)
  } catch (error) {
    if (!(error instanceof UnknownOutcome)) await sealer.destroyDataKey(dataKey)
    if (!(error instanceof Conflict)) throw error
  }
}

/** The user of a reservation, registered if necessary; `undefined` if the registration was erased. */
export async function registerReserved(
  dependencies: RegisterReservedDependencies,
  event: Reserved,
): Promise<UserState | undefined> {
  const { log, sealer } = dependencies
  const registration = await openRegistration(sealer, event.data.registration)
  if (registration === undefined) return undefined
  const found = await readUser(log, registration.sub)
  if (found !== undefined) return found.state
  await appendRegistered(dependencies, event, registration)
  return (await readUser(log, registration.sub))?.state
}

/** Requests the email with the confirmation link, while the reservation is pending. */
export async function requestConfirmation(
  { log, sealer, linkKeys, clock, because }: RegisterReservedDependencies,
  event: Reserved,
  { email, data_key }: UserState,
): Promise<void> {
  const { reservation_id } = event.data
  const { state } = await readEmail(log, event.stream)
  if (state.status !== 'reserved' || state.reservation_id !== reservation_id) return
  const mailId = mailIdFor(event.id)
  const to = await sealer.unseal(email, 'email')
  if (to === ERASED || (await log.last(mailStream.of(mailId))).length > 0) return
  const email_hmac = event.stream.slice('email-'.length)
  const link = await confirmLink(linkKeys, { email_hmac, reservation_id, now: clock.now() })
  const mail = { mailId, template: 'confirm-address', to, dataKey: data_key, isOwnKey: false, link } as const
  await once(() => requestMail(log, sealer, { ...mail, context: because(event) }))
}

/**
 * The address was never verified: erases the registration. The key of the reservation leads to everything else, so it is
 * destroyed last.
 */
export async function eraseUnverified(
  dependencies: RegisterReservedDependencies,
  event: Reserved,
  { cause, reason }: { readonly cause: EmailRecord; readonly reason: string },
): Promise<void> {
  const { log, sealer, because } = dependencies
  const registered = await registerReserved(dependencies, event)
  if (registered?.email_verified) return
  if (registered !== undefined) {
    await changeUser(log, registered.sub, { type: 'Erase', reason }, because(cause))
    await sealer.destroyDataKey(registered.data_key)
  }
  await sealer.destroyDataKey(event.data.data_key)
}
