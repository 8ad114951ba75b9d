import { setTimeout as pause } from 'node:timers/promises'
import { randomUUID } from 'node:crypto'
import { openAccounts, type Accounts } from '../admin/users/index.ts'
import {
  openChangeEmail,
  openErasure,
  type Erasure,
  type ChangeEmail,
  openNotices,
  type Notices,
  openOwnPassword,
  type OwnPassword,
  openReset,
  type Reset,
  openCompletion,
  type Completion,
  openConfirm,
  type Confirm,
  openRegister,
  type Register,
  openSweeper,
  type Sweeper,
  createEvenAnswers,
  createRegistrationAllowance,
  LONGEST_RESUME_MS,
  resumeMail,
  unlimitedRegistrations,
} from '../account/index.ts'
import { openAddresses } from '../email-address/index.ts'
import {
  createLoginGuard,
  createLoginRecord,
  type LoginRecord,
  noLoginLimits,
  openSignIn,
  type SignIn,
  openPlaces,
} from '../sign-in/index.ts'
import { createMailAllowance, unlimitedMail } from '../mail/index.ts'
import {
  createPasswordHasher,
  type PasswordHasher,
  type PasswordPolicy,
  createPasswordPolicy,
} from '../password/index.ts'
import type { Core } from './core.ts'
import { newId } from '../log/index.ts'

/** Everything about users, over the core. */
export interface Users {
  readonly accounts: Accounts
  readonly changeEmail: ChangeEmail
  readonly completion: Completion
  readonly confirm: Confirm
  readonly erasure: Erasure
  readonly hasher: PasswordHasher
  readonly policy: PasswordPolicy
  readonly notices: Notices
  readonly ownPassword: OwnPassword
  readonly record: LoginRecord
  readonly register: Register
  readonly reset: Reset
  readonly signIn: SignIn
  readonly sweeper: Sweeper
  /** Ends when what is in hand is done. */
  close(): Promise<void>
}

/** Everything about users, over the core; `wait` is how answers are held back. */
export function openUsers(core: Core, wait: (ms: number) => Promise<unknown> = pause): Users {
  const { config, logger, log, sealer, clock, keyedHash, derivationKeys, views, administrators } = core
  const hasher = createPasswordHasher(config.limits?.hashing)
  const addresses = openAddresses(keyedHash)
  const { limits } = config
  const guard = limits ? createLoginGuard(limits.login, clock.nowMs) : noLoginLimits
  const mayMail = limits ? createMailAllowance(limits.mail, clock.nowMs) : unlimitedMail
  const mayRegister = limits ? createRegistrationAllowance(limits.registration, clock.nowMs) : unlimitedRegistrations
  const evenly = createEvenAnswers(limits?.answer.stepMs, wait)
  const onError = (error: unknown) => logger.error({ err: error }, 'a sign-in could not be recorded')
  const record = createLoginRecord({ log, clock, newId: randomUUID, onError, ...(limits && { limits: limits.record }) })
  const policy = createPasswordPolicy()
  const linkKeys = derivationKeys
  const completion = openCompletion({ log, sealer, linkKeys, addresses, clock, newId })
  const places = openPlaces({ log, sealer, newId: randomUUID, onError })
  const signIn = openSignIn({ log, sealer, hasher, addresses, guard, places, record, limits: limits?.login })
  const registered = { log, sealer, hasher, policy, addresses, linkKeys, mayMail, mayRegister, clock, newId }
  const register = openRegister(registered)
  const mail = { log, sealer, addresses, linkKeys, mayMail, clock, newId }
  const erasure = openErasure({ log, sealer, addresses, newId })
  const reset = openReset({ ...mail, hasher, policy, places, signIn })
  const stopping = new AbortController()
  const { signal } = stopping
  const resumed = resumeMail(log, { mayMail, mayRegister, nowMs: clock.nowMs, signal }).catch((error: unknown) =>
    logger.warn({ err: error }, 'emails sent before the start are not counted'),
  )
  const counted = Promise.race([resumed, pause(LONGEST_RESUME_MS, undefined, { ref: false })])
  /** Whoever asks for a mail right after the start waits until those of before it are counted. */
  const afterwards =
    <Asked extends unknown[], Result>(ask: (...asked: Asked) => Promise<Result>) =>
    async (...asked: Asked): Promise<Result> => {
      await counted
      return ask(...asked)
    }
  const changeEmail = openChangeEmail({ ...mail, completion })
  return {
    erasure,
    changeEmail: { ...changeEmail, ask: afterwards(changeEmail.ask) },
    notices: openNotices(mail),
    ownPassword: openOwnPassword({ log, sealer, hasher, policy, signIn, clock }),
    reset: { ...reset, ask: (...asked) => evenly(() => afterwards(reset.ask)(...asked)) },
    accounts: openAccounts({ log, sealer, hasher, addresses, completion, administrators, erasure, clock, newId }),
    completion,
    confirm: openConfirm({ log, sealer, hasher, policy, addresses, linkKeys, completion, signIn, clock }),
    hasher,
    policy,
    record,
    register: { ...register, register: (...asked) => evenly(() => afterwards(register.register)(...asked)) },
    signIn,
    sweeper: openSweeper({ log, checkpoints: views.projector.checkpoints, clock, newId }),
    async close() {
      stopping.abort()
      await register.settled()
      await resumed
      await record.settled()
      await hasher.close()
    },
  }
}
