import { runDecision } from '@ledgate/eventsourcing'
import { InvalidGrant } from '@ledgate/oauth'
import type { Sealer } from '@ledgate/vault'
import {
  type Clock,
  type CommandContext,
  type EventLog,
  networkOf,
  type Source,
  type StreamName,
  retryOnConflict,
} from '../log/index.ts'
import { type LinkKeys, type OpenLink, openLink } from '../mail/index.ts'
import {
  type Addresses,
  email,
  type EmailEvent,
  type EmailState,
  InvalidLink,
  readEmail,
} from '../email-address/index.ts'
import type { Completion } from './completion.ts'
import { unlessErased } from '../user/index.ts'
import { type PasswordHasher, type PasswordPolicy, WrongPassword } from '../password/index.ts'
import { openRegistration, type Registration } from './pending-registration.ts'
import type { SignIn } from '../sign-in/index.ts'

export interface ConfirmDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly hasher: Pick<PasswordHasher, 'hash' | 'verify'>
  readonly policy: PasswordPolicy
  readonly addresses: Addresses
  readonly linkKeys: LinkKeys
  readonly completion: Completion
  readonly signIn: SignIn
  readonly clock: Clock
}

/** The password of the registration, or a new one: the link proves the mailbox, not who chose the password. */
export type Proof = { readonly kind: 'registered' | 'new'; readonly password: string }

export interface Confirmation {
  readonly token: string
  readonly proof: Proof
  readonly source: Source
  readonly context: CommandContext
}

/** Redeems mailed links. */
export interface Confirm {
  /** Changes nothing. @throws {InvalidLink} when the link does nothing (any more). */
  check(token: string): Promise<void>
  /**
   * The address is confirmed and its user can sign in once it resolves. The position from which every reader sees it.
   *
   * @throws {InvalidLink} when the link does nothing (any more).
   * @throws {WrongPassword} when it is not the one of the registration.
   * @throws {InvalidPassword} when the new one is not acceptable.
   */
  confirm(confirmation: Confirmation): Promise<{ position: string }>
}

const erased = (cause: unknown) => new InvalidLink('the registration or its account was erased', { cause })

type Reserved = Extract<EmailState, { status: 'reserved' }>

/** Confirmation over the log: the address's stream decides, and its one event holds all that follows. */
export function openConfirm(dependencies: ConfirmDependencies): Confirm {
  const { log, sealer, hasher, policy, addresses, completion, signIn } = dependencies
  const open = (token: string) => openLink(dependencies, token, 'confirm')

  async function registrationOf(state: Reserved): Promise<Registration> {
    const registration = await openRegistration(sealer, state.registration)
    if (registration === undefined) throw new InvalidLink('the registration is no longer pending')
    return registration
  }

  /** The sealed hash of a new password; nothing when it is the one of the registration. */
  async function prove(state: Reserved, { email: address, password }: Registration, { proof, source }: Confirmation) {
    if (proof.kind === 'registered') {
      if (!(await hasher.verify(password, proof.password, networkOf(source)))) throw new WrongPassword()
      return undefined
    }
    await policy.check(proof.password, address)
    return sealer.seal(state.data_key, 'password', await hasher.hash(proof.password, networkOf(source)))
  }

  /** The log says it is confirmed: whatever is missing to that is done now. */
  async function finish(stream: StreamName<EmailEvent>): Promise<{ position: string }> {
    const [newest] = await log.last(stream)
    const changed = newest?.type === 'EmailConfirmed' ? await completion.confirmed(newest) : undefined
    if (changed === undefined) throw new InvalidLink('the account was erased')
    return { position: changed.position }
  }

  /**
   * The link did its work, and whoever sent it did not hear of it: they get the same answer, if they sign in with what
   * they sent. That is a sign-in like any other, limits included.
   */
  async function again(stream: StreamName<EmailEvent>, { proof, source, context }: Confirmation, state: EmailState) {
    if (state.status !== 'confirmed') throw new InvalidLink('a newer registration replaced this one')
    const answer = await finish(stream)
    const address = await addressOf(stream)
    if (address === undefined) throw new InvalidLink('the registration was erased')
    try {
      await signIn.signIn({ username: address, password: proof.password, source, context })
    } catch (error) {
      throw error instanceof InvalidGrant ? new InvalidLink('the link was already redeemed', { cause: error }) : error
    }
    return answer
  }

  async function addressOf(stream: StreamName<EmailEvent>): Promise<string | undefined> {
    const events = await log.last(stream, 2)
    const reserved = events.find((event) => event.type === 'EmailReserved')
    return reserved && (await openRegistration(sealer, reserved.data.registration))?.email
  }

  async function redeem(link: OpenLink, confirmation: Confirmation): Promise<{ position: string }> {
    const stream = addresses.stream(link.email_hmac)
    const { state, expected } = await readEmail(log, stream)
    if (state.status === 'free' || state.reservation_id !== link.reservation_id)
      throw new InvalidLink('a newer registration replaced this one')
    if (state.status === 'confirmed') {
      if (state.mail_id !== link.mailId) throw new InvalidLink('the address was already confirmed with another link')
      return again(stream, confirmation, state)
    }
    const registration = await registrationOf(state)
    const password = await prove(state, registration, confirmation)
    const owner = await sealer.seal(state.data_key, 'owner', registration.sub)
    const { reservation_id: reservationId, mailId } = { ...link }
    const events = email.decide({ type: 'Confirm', reservationId, owner, mailId, password }, state)
    await log.append(stream, events, { expected, context: confirmation.context, dataKey: state.data_key })
    return finish(stream)
  }

  return {
    check: (token) =>
      runDecision(async () => {
        const link = await open(token)
        const { state } = await readEmail(log, addresses.stream(link.email_hmac))
        if (state.status !== 'reserved' || state.reservation_id !== link.reservation_id)
          throw new InvalidLink('no registration is waiting for this link')
      }),

    confirm: (confirmation) =>
      runDecision(async () => {
        const link = await open(confirmation.token)
        return unlessErased(erased, () => retryOnConflict(() => redeem(link, confirmation)))
      }),
  }
}
