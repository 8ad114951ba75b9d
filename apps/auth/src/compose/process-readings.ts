import type { Check } from '../health/index.ts'
import type { Reading } from '../metrics/index.ts'
import { type Backlog, createBacklog } from '../process-manager/index.ts'
import type { OutgoingMail } from './mail.ts'

/** What goes on by itself, at one process of an installation: what follows the log, and what looks now and then at what is due. */
const PROCESSES = [
  'registration',
  'mail',
  'signing keys',
  'feed keys',
  'derivation keys',
  'reservations',
  'erasures',
] as const

/** What each of them has not done because its last try failed. */
export type Backlogs = Readonly<Record<(typeof PROCESSES)[number], Backlog>>

export function openBacklogs(): Backlogs {
  return {
    registration: createBacklog(),
    mail: createBacklog(),
    'signing keys': createBacklog(),
    'feed keys': createBacklog(),
    'derivation keys': createBacklog(),
    reservations: createBacklog(),
    erasures: createBacklog(),
  }
}

type Sending = { readonly sending: Pick<OutgoingMail['sending'], 'state'> }

const ageMs = (since: number | undefined, nowMs: () => number): number =>
  since === undefined ? 0 : Math.max(0, nowMs() - since)

const seconds = (since: number | undefined, nowMs: () => number) => Math.floor(ageMs(since, nowMs) / 1000)

/**
 * What readiness shows of what goes on by itself: who signs in need not wait for a mail server, nor for any of it, so it is never
 * a reason not to be ready.
 */
export function notesOf(backlogs: Backlogs, mail: Sending, nowMs: () => number): Readonly<Record<string, Check>> {
  const failing = (name: keyof Backlogs) => () => {
    const { waiting, since } = backlogs[name].state()
    if (waiting === 0) return undefined
    return `${waiting} step(s) failed and are tried again; the first was due ${seconds(since, nowMs)} s ago`
  }

  function undelivered() {
    const { waiting, waitingSince } = mail.sending.state()
    if (waiting === 0) return undefined
    return `${waiting} mail(s) did not leave and are tried again; one was asked for ${seconds(waitingSince, nowMs)} s ago`
  }

  const notes = Object.fromEntries(PROCESSES.map((name) => [name, failing(name)]))
  return { ...notes, mail: () => undelivered() ?? failing('mail')() }
}

/** The numbers of each process: 0 where another one has its turn. */
export function processMetrics(backlogs: Backlogs, nowMs: () => number): readonly Reading[] {
  const read = (value: (name: keyof Backlogs) => number) => () =>
    PROCESSES.map((process) => ({ labels: { process }, value: value(process) }))
  const labelNames = ['process']
  return [
    {
      name: 'ledgate_process_failures_total',
      help: 'Failed attempts of background tasks.',
      kind: 'counter',
      labelNames,
      read: read((name) => backlogs[name].state().failures),
    },
    {
      name: 'ledgate_process_waiting',
      help: 'Events, or scheduled runs, whose last attempt failed.',
      kind: 'gauge',
      labelNames,
      read: read((name) => backlogs[name].state().waiting),
    },
    {
      name: 'ledgate_process_waiting_seconds',
      help: 'Age of the oldest of them.',
      kind: 'gauge',
      labelNames,
      read: read((name) => ageMs(backlogs[name].state().since, nowMs) / 1000),
    },
  ]
}

/** The numbers of mail, by the process that sends: it is one at a time. */
export const mailMetrics = (mail: Sending, nowMs: () => number): readonly Reading[] => {
  const state = () => mail.sending.state()
  return [
    {
      name: 'ledgate_mail_sent_total',
      help: 'Emails accepted by a mail server.',
      kind: 'counter',
      read: () => state().sent,
    },
    {
      name: 'ledgate_mail_failed_tries_total',
      help: 'Failed attempts after which the email will be retried.',
      kind: 'counter',
      read: () => state().failedTries,
    },
    {
      name: 'ledgate_mail_given_up_total',
      help: 'Emails rejected permanently, or not accepted by a server for a day.',
      kind: 'counter',
      read: () => state().givenUp,
    },
    {
      name: 'ledgate_mail_waiting',
      help: 'Emails whose last attempt failed; 100,000 at most.',
      kind: 'gauge',
      read: () => state().waiting,
    },
    {
      name: 'ledgate_mail_waiting_seconds',
      help: 'Age of the oldest of them.',
      kind: 'gauge',
      read: () => ageMs(state().waitingSince, nowMs) / 1000,
    },
  ]
}
