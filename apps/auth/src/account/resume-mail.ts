import type { EventLog } from '../log/index.ts'
import { decode } from '../log/index.ts'
import type { MailAllowance } from './mail-allowance.ts'

/** Mails that are looked at: what was asked for before is a matter of how many mails there are, not of safety. */
const LOOKED_AT = 2_000
/** Milliseconds after which the rest is left: it is done behind the start, and a huge log is not read for it. */
const LONGEST_MS = 5_000

/**
 * Takes up from the log what addresses got lately, so that a restart gives strangers nothing new. A mail that only told that
 * an address is taken names none, and is not counted.
 */
export async function resumeMail(log: EventLog, allowance: MailAllowance): Promise<void> {
  const until = performance.now() + LONGEST_MS
  const filter = { categories: ['mail'], types: ['MailRequested'] }
  for await (const recorded of log.store.readAll({ direction: 'backwards', filter, max: LOOKED_AT })) {
    if (performance.now() > until) return
    const event = decode(recorded)
    const link = event?.type === 'MailRequested' ? event.data.link : undefined
    if (link !== undefined) allowance.resume({ purpose: link.purpose, hmac: link.email_hmac }, recorded.created)
  }
}
