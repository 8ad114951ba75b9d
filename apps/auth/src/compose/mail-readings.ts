import type { Check } from '../health/index.ts'
import type { Reading } from '../metrics/index.ts'
import type { OutgoingMail } from './mail.ts'

type Sending = { readonly sending: Pick<OutgoingMail['sending'], 'state'> }

const ageMs = ({ sending }: Sending, nowMs: () => number): number => {
  const since = sending.state().waitingSince
  return since === undefined ? 0 : Math.max(0, nowMs() - since)
}

/** What readiness shows of mail: who signs in need not wait for a mail server, so it is never a reason not to be ready. */
export const notesOf = (mail: Sending, nowMs: () => number): Readonly<Record<string, Check>> => ({
  mail() {
    const { waiting } = mail.sending.state()
    if (waiting === 0) return undefined
    const seconds = Math.floor(ageMs(mail, nowMs) / 1000)
    return `${waiting} mail(s) did not leave and are tried again; one was asked for ${seconds} s ago`
  },
})

/** The numbers of mail, by the process that sends: it is one at a time. */
export const mailReadings = (mail: Sending, nowMs: () => number): readonly Reading[] => {
  const state = () => mail.sending.state()
  return [
    {
      name: 'ledgate_mail_sent_total',
      help: 'Mails that a mail server took.',
      kind: 'counter',
      read: () => state().sent,
    },
    {
      name: 'ledgate_mail_failed_tries_total',
      help: 'Tries after which a mail waits for its next one.',
      kind: 'counter',
      read: () => state().failedTries,
    },
    {
      name: 'ledgate_mail_given_up_total',
      help: 'Mails that were refused for good, or that no server took for a day.',
      kind: 'counter',
      read: () => state().givenUp,
    },
    {
      name: 'ledgate_mail_waiting',
      help: 'Mails whose last try by this process failed; 100,000 at most.',
      kind: 'gauge',
      read: () => state().waiting,
    },
    {
      name: 'ledgate_mail_waiting_seconds',
      help: 'How long ago the first of them was asked for.',
      kind: 'gauge',
      read: () => ageMs(mail, nowMs) / 1000,
    },
  ]
}
