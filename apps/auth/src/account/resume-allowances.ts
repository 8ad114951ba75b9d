import type { EventLog } from '../log/index.ts'
import { type MailAllowance, mailStream } from '../mail/index.ts'
import type { RegistrationAllowance } from './registration-allowance.ts'

/** Milliseconds after which the rest is left: no one waits for longer, and no more emails than that are requested in an hour. */
export const LONGEST_RESUME_MS = 5_000

export interface ResumedAllowances {
  /** Ends it before its time. */
  readonly signal?: AbortSignal | undefined
  readonly mayMail: MailAllowance
  readonly mayRegister: RegistrationAllowance
  readonly nowMs: () => number
}

/** The emails that a registration leads to, whatever it finds. */
const OF_REGISTRATION = ['confirm-address', 'address-taken']

/**
 * Takes up from the log what addresses got lately, so that a restart gives strangers nothing new: all that counts still, for
 * what is left out by its number is what a flood pushes out. A mail that only told that an address is taken names none; it counts
 * as a registration.
 */
export async function resumeMail(
  log: EventLog,
  { mayMail, mayRegister, nowMs, signal: stopping }: ResumedAllowances,
): Promise<void> {
  const tooLong = AbortSignal.timeout(LONGEST_RESUME_MS)
  const signal = stopping === undefined ? tooLong : AbortSignal.any([stopping, tooLong])
  const since = nowMs() - mayMail.periodMs
  const filter = { categories: ['mail'], types: ['MailRequested'] }
  for await (const recorded of log.store.readAll({ direction: 'backwards', filter, signal })) {
    if (recorded.created < since) return
    const event = mailStream.decode(recorded)
    if (event?.type !== 'MailRequested') continue
    const { link, template } = event.data
    if (link !== undefined) mayMail.resume({ purpose: link.purpose, hmac: link.email_hmac }, recorded.created)
    if (OF_REGISTRATION.includes(template)) mayRegister.resume(recorded.created)
  }
}
