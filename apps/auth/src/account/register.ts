import { UnknownOutcome } from '@ledgate/eventsourcing'
import { InvalidRequest } from '@ledgate/oauth'
import type { Sealer } from '@ledgate/vault'
import { type Clock, type CommandContext, type EventLog, networkOf, handle } from '../log/index.ts'
import { confirmLink, type LinkKeys, type MailAllowance, requestMail } from '../mail/index.ts'
import {
  type Addresses,
  email,
  type EmailState,
  isFree,
  normalizeAddress,
  normalizeNewAddress,
} from '../email-address/index.ts'
import { discarding } from './discarding.ts'
import type { RegistrationAllowance } from './registration-allowance.ts'
import type { PasswordHasher, PasswordPolicy } from '../password/index.ts'
import { type Registration, RESERVATION_LIFETIME, sealRegistration } from './pending-registration.ts'
import { newSubject } from '../user/index.ts'

export interface RegisterDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly hasher: Pick<PasswordHasher, 'hash'>
  readonly policy: PasswordPolicy
  readonly addresses: Addresses
  readonly linkKeys: LinkKeys
  readonly mayMail: MailAllowance
  readonly mayRegister: RegistrationAllowance
  readonly clock: Clock
  /** 128 random bits in hexadecimal. */
  readonly newId: () => string
}

/** The input of a registration. */
export interface NewAccount {
  readonly email: string
  readonly password: string
  readonly name?: string | undefined
}

/** What a registration brings to its one append. */
interface Prepared {
  readonly hmac: string
  readonly registration: Registration
  readonly dataKey: string
  readonly mailId: string
  readonly context: CommandContext
}

function required(address: string | undefined): string {
  if (address === undefined) throw new InvalidRequest('a parameter is missing, repeated or malformed: email')
  return address
}

/** The normalized address. @throws {InvalidRequest} when it is none. */
export const requireAddress = (text: string): string => required(normalizeAddress(text))

/** The normalized address of a new account. @throws {InvalidRequest} when it is none. */
export const requireNewAddress = (text: string): string => required(normalizeNewAddress(text))

/** Registers users: one append is all that an acknowledged registration is; the rest follows from the log. */
export interface Register {
  /**
   * Says the same whether the address is free, asked for, somebody's, or had emails enough lately; when it says so is for
   * `EvenAnswers` to see to.
   *
   * @throws {InvalidRequest | InvalidPassword} when the address or the password is not one.
   * @throws {TooManyRequests} when the source registered too often.
   * @throws {TemporarilyUnavailable | Unavailable | UnknownOutcome} when it was not acknowledged.
   */
  register(account: NewAccount, context: CommandContext): Promise<void>
  /** Resolves when what registrations left behind them is tidied away. */
  settled(): Promise<void>
}

/** Registration over the log. */
export function openRegister(dependencies: RegisterDependencies): Register {
  const { log, sealer, hasher, policy, addresses, linkKeys, mayMail, mayRegister, clock, newId } = dependencies
  const discard = discarding(sealer)

  async function reserve({ registration, dataKey, context }: Prepared) {
    const reservation = {
      reservation_id: newId(),
      expires_at: clock.now() + RESERVATION_LIFETIME,
      data_key: dataKey,
      registration: await sealRegistration(sealer, dataKey, registration),
    }
    return { command: { type: 'Reserve', reservation, now: clock.now() }, context, dataKey } as const
  }

  /** The address is taken: whoever reads its mail hears of it, no one else. */
  async function tell(prepared: Prepared, state: Exclude<EmailState, { status: 'free' }>): Promise<void> {
    const { hmac, registration, dataKey, mailId, context } = prepared
    const { reservation_id } = state
    const mail = { mailId, to: registration.email, dataKey, isOwnKey: true, context }
    if (state.status === 'confirmed') await requestMail(log, sealer, { ...mail, template: 'address-taken' })
    else {
      const link = await confirmLink(linkKeys, { email_hmac: hmac, reservation_id, now: clock.now() })
      await requestMail(log, sealer, { ...mail, template: 'confirm-address', link })
    }
  }

  /** Reserves the address, unless it is taken. */
  async function reserveOrTell(prepared: Prepared): Promise<void> {
    await handle(log, { stream: addresses.stream(prepared.hmac), decider: email }, async ({ state }) => {
      if (state.status === 'free' || isFree(state, clock.now())) return reserve(prepared)
      await tell(prepared, state)
      return undefined
    })
  }

  return {
    async register({ email: text, password, name }, context) {
      const address = requireNewAddress(text)
      await policy.check(password, address)
      const { source } = context
      mayRegister(source)
      const hash = await hasher.hash(password, source && networkOf(source))
      const hmac = addresses.hmac(address)
      // Nothing is written, and no one is told: the address had its emails, or this source caused its part of them.
      if (!mayMail({ purpose: 'confirm', hmac, source })) return
      const dataKey = await sealer.createDataKey()
      const person = { sub: newSubject(), email: address, password: hash, roles: [], entitlements: [] }
      const registration: Registration = { ...person, ...(name !== undefined && { name }) }
      const prepared = { hmac, registration, dataKey, mailId: newId(), context }
      try {
        await reserveOrTell(prepared)
      } catch (error) {
        if (!(error instanceof UnknownOutcome)) discard.later(dataKey)
        throw error
      }
    },

    settled: discard.settled,
  }
}
