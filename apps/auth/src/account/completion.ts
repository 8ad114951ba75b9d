import { Conflict, UnknownOutcome } from '@ledgate/eventsourcing'
import type { AccountRecord } from './account-record.ts'
import { ERASED, type Sealed, type Sealer } from '@ledgate/vault'
import { type Clock, type CommandContext, type EventLog, untilSettled } from '../log/index.ts'
import {
  confirmLink,
  type Link,
  type LinkKeys,
  MAIL_EVENTS,
  mailIdFor,
  mailStream,
  once,
  requestMail,
} from '../mail/index.ts'
import { causedBy } from '../process-manager/index.ts'
import {
  type Addresses,
  email,
  type EmailRecord,
  ERASED_REASON,
  hmacOfUser,
  readEmail,
} from '../email-address/index.ts'
import { type ChangedUser, changeUser, readUser, user, type UserState, userStream } from '../user/index.ts'
import { openRegistration, type Registration } from './pending-registration.ts'

type Reserved = Extract<EmailRecord, { type: 'EmailReserved' }>
type Confirmed = Extract<EmailRecord, { type: 'EmailConfirmed' }>

export interface CompletionDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly linkKeys: LinkKeys
  readonly addresses: Addresses
  readonly clock: Clock
  readonly newId: () => string
}

/**
 * What follows from the events of an address's stream. Everything is read from the log and the vault, and every step
 * may be done again, by another process too: whoever comes second finds it done.
 */
export interface Completion {
  /** Does all that the event leads to. */
  complete(event: AccountRecord): Promise<void>
  /** The person of a confirmed address, who can sign in once it resolves; `undefined` when erased meanwhile. */
  confirmed(event: Confirmed): Promise<ChangedUser | undefined>
}

const PROCESS = 'registration'

/** Takes up what registrations and confirmations acknowledged. */
export function openCompletion(dependencies: CompletionDependencies): Completion {
  const { log, sealer, linkKeys, addresses, clock, newId } = dependencies
  const because = (event: AccountRecord): CommandContext => causedBy(event, PROCESS, newId())

  async function before(event: EmailRecord): Promise<EmailRecord | undefined> {
    if (event.revision === 0n) return undefined
    const [previous] = await log.page(event.stream, event.revision - 1n, 1)
    return previous
  }

  async function newUser(dataKey: string, registration: Registration, event: Reserved) {
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

  async function appendRegistered(event: Reserved, registration: Registration): Promise<void> {
    const dataKey = await sealer.createDataKey()
    try {
      const reservationId = event.data.reservation_id
      const data = await newUser(dataKey, registration, event)
      const events = user.decide({ type: 'Register', reservationId, user: data }, undefined)
      // A command of its own each time: who comes second has to hear of it, since their key is not the one used.
      await log.append(userStream.of(registration.sub), events, {
        expected: 'noStream',
        context: because(event),
        dataKey,
      })
    } catch (error) {
      if (!(error instanceof UnknownOutcome)) await sealer.destroyDataKey(dataKey)
      if (!(error instanceof Conflict)) throw error
    }
  }

  /** The person of a reservation, registered if need be; `undefined` when the registration is no longer pending. */
  async function register(event: Reserved): Promise<UserState | undefined> {
    const registration = await openRegistration(sealer, event.data.registration)
    if (registration === undefined) return undefined
    const found = await readUser(log, registration.sub)
    if (found !== undefined) return found.state
    await appendRegistered(event, registration)
    return (await readUser(log, registration.sub))?.state
  }

  /** Asks for the mail with the link, as long as the reservation waits for it. */
  async function askToConfirm(event: Reserved, person: UserState): Promise<void> {
    const { reservation_id } = event.data
    const { state } = await readEmail(log, event.stream)
    if (state.status !== 'reserved' || state.reservation_id !== reservation_id) return
    const mailId = mailIdFor(event.id)
    const to = await sealer.unseal(person.email, 'email')
    if (to === ERASED || (await log.last(mailStream.of(mailId))).length > 0) return
    const email_hmac = event.stream.slice('email-'.length)
    const link = await confirmLink(linkKeys, { email_hmac, reservation_id, now: clock.now() })
    const mail = { mailId, template: 'confirm-address', to, dataKey: person.data_key, isOwnKey: false, link } as const
    await once(() => requestMail(log, sealer, { ...mail, context: because(event) }))
  }

  /** Nobody proved the mailbox in time: nothing of the registration stays. The reservation's key leads to the rest, so it goes last. */
  async function close(event: Reserved, cause: EmailRecord, reason: string): Promise<void> {
    const person = await register(event)
    if (person?.email_verified) return
    if (person !== undefined) {
      await changeUser(log, person.sub, { type: 'Erase', reason }, because(cause))
      await sealer.destroyDataKey(person.data_key)
    }
    await sealer.destroyDataKey(event.data.data_key)
  }

  async function reserved(event: Reserved): Promise<void> {
    const previous = await before(event)
    if (previous?.type === 'EmailReserved') await close(previous, event, 'another registration took the address')
    const person = await register(event)
    if (person !== undefined && !person.erased) await askToConfirm(event, person)
  }

  async function released(event: EmailRecord): Promise<void> {
    const previous = await before(event)
    if (previous?.type === 'EmailReserved') await close(previous, event, 'the address was not confirmed in time')
    // Its owner has another one now: nothing tells any more whose it was.
    if (previous?.type === 'EmailConfirmed') await sealer.destroyDataKey(previous.data.data_key)
  }

  /** The hash that was chosen with the proof, sealed anew as the person's. */
  async function chosenPassword(event: Confirmed, person: UserState) {
    if (event.data.password === undefined) return undefined
    const phc = await sealer.unseal(event.data.password, 'password')
    if (phc === ERASED) return undefined
    return { password: await sealer.seal(person.data_key, 'password', phc), now: Math.floor(event.created / 1000) }
  }

  async function personOf(event: Confirmed): Promise<UserState | undefined> {
    const sub = await sealer.unseal(event.data.owner, 'owner')
    if (sub === ERASED) return undefined
    const found = await readUser(log, sub)
    if (found !== undefined) return found.state
    const previous = await before(event)
    return previous?.type === 'EmailReserved' ? register(previous) : undefined
  }

  async function redeem(event: Confirmed, person: UserState): Promise<void> {
    const { mail_id } = event.data
    if (mail_id === undefined) return
    const stream = mailStream.of(mail_id)
    await untilSettled(async () => {
      const mails = await log.last(stream, MAIL_EVENTS)
      if (mails[0] === undefined || mails.some(({ type }) => type === 'LinkRedeemed')) return
      await log.append(stream, [{ type: 'LinkRedeemed', data: { mail_id } }], {
        expected: mails[0].revision,
        context: because(event),
        dataKey: person.data_key,
      })
    })
  }

  const hmacOf = (person: UserState) => hmacOfUser(addresses, sealer, person)

  /** Gives an address back that its owner does not use; only what one reservation took, where that is known. */
  const giveUp = (
    hmac: string,
    { owner, reservationId, reason }: { owner: string; reservationId?: string | undefined; reason: string },
    cause: Confirmed,
  ) =>
    untilSettled(async () => {
      const stream = addresses.stream(hmac)
      const { state, expected } = await readEmail(log, stream)
      if (state.status !== 'confirmed' || (await sealer.unseal(state.owner, 'owner')) !== owner) return
      const command = { type: 'GiveUp', reservationId: reservationId ?? state.reservation_id, reason } as const
      const events = email.decide(command, state)
      if (events.length === 0) return
      await log.append(stream, events, { expected, context: because(cause), dataKey: state.data_key })
    })

  /** The link that proved the mailbox. */
  async function linkOf({ data: { mail_id } }: Confirmed): Promise<Link | undefined> {
    const mails = mail_id === undefined ? [] : await log.last(mailStream.of(mail_id), MAIL_EVENTS)
    return mails.find((mail) => mail.type === 'MailRequested')?.data.link
  }

  /**
   * The address takes the place of the one that the link was asked for, at the epoch that it was asked at, unless another
   * one did already: then the address that came too late is free again.
   */
  async function replace(event: Confirmed, person: UserState): Promise<void> {
    const { replaces, reservation_id } = event.data
    const previous = await before(event)
    if (replaces === undefined || previous?.type !== 'EmailReserved') return
    const registration = await openRegistration(sealer, previous.data.registration)
    if (registration === undefined) return
    const mine = event.stream.slice('email-'.length)
    const link = await linkOf(event)
    if ((await hmacOf(person)) === replaces) {
      const sealed = await sealer.seal(person.data_key, 'email', registration.email)
      // Links of before 0019 do not say what they are bound to; those that are confirmed are finished all the same.
      const bound = link?.from === undefined ? { from: person.email } : { from: link.from, epoch: link.epoch }
      const change = { type: 'ChangeEmail', ...bound, email: sealed, reservationId: reservation_id } as const
      await changeUser(log, person.sub, change, because(event))
    }
    const now = await readUser(log, person.sub)
    const used = now && !now.state.erased ? await hmacOf(now.state) : undefined
    if (used === undefined) return giveBackErased(event, person)
    const given = { owner: person.sub, reason: 'the person has another address' }
    if (used === mine) await giveUp(replaces, { ...given, reservationId: link?.from_reservation_id }, event)
    else await giveUp(mine, { ...given, reservationId: reservation_id }, event)
  }

  /** Whose person was erased between two addresses has both: neither stays theirs. */
  async function giveBackErased(event: Confirmed, { sub }: UserState): Promise<void> {
    for (const hmac of [event.stream.slice('email-'.length), event.data.replaces])
      if (hmac !== undefined) await giveUp(hmac, { owner: sub, reason: ERASED_REASON }, event)
  }

  async function confirmed(event: Confirmed): Promise<ChangedUser | undefined> {
    const person = await personOf(event)
    if (person === undefined) return undefined
    if (person.erased) {
      await giveBackErased(event, person)
      return undefined
    }
    const chosen = person.email_verified ? undefined : await chosenPassword(event, person)
    const changed = await changeUser(log, person.sub, { type: 'VerifyEmail', chosen }, because(event))
    await redeem(event, person)
    await replace(event, changed.state)
    return changed
  }

  return {
    confirmed,
    async complete(event) {
      if (event.type === 'EmailReserved') await reserved(event)
      if (event.type === 'EmailConfirmed') await confirmed(event)
      if (event.type === 'EmailReleased') await released(event)
    },
  }
}
