import type { Checkpoints } from '@ledgate/eventsourcing'
import { ERASED, type Sealer } from '@ledgate/vault'
import { type Clock, type DomainRecord, type EventLog, untilSettled } from '../log/index.ts'
import { causedBy, followEvents } from '../process-manager/index.ts'
import { linkToken, LINK_LIFETIME, type LinkKeys } from './link.ts'
import { type Mailer, MailUndelivered } from './mailer.ts'
import { type Mail, mailOf } from './render.ts'
import { MAIL_EVENTS, mailStream } from './request.ts'

export interface MailSendingDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly linkKeys: LinkKeys
  readonly mailer: Mailer
  readonly checkpoints: Checkpoints
  readonly clock: Clock
  readonly issuer: string
  readonly newId: () => string
  /** Told of every try that failed; neither an address nor a link is in the error. */
  onError(error: unknown): void
  /** Milliseconds before a mail that did not leave is tried again, doubling up to 30 s; 100 unless told. */
  readonly firstPauseMs?: number
}

type Requested = Extract<DomainRecord, { type: 'MailRequested' }>

/** Sends what was asked for. */
export interface MailSending {
  /** Sends one mail, unless it has left or was given up. Safe to repeat. */
  deliver(event: Requested): Promise<void>
  /** Sends all there is and all that comes, until the signal. */
  run(signal: AbortSignal): Promise<void>
}

const PROCESS = 'mail'

/** Mails on their way at the same time, those that wait to be tried again included. */
const CONCURRENCY = 64

/** Why a mail is not written any more. */
class Void extends Error {}

/**
 * Follows the log and sends each mail that was asked for: at least once, with the same Message-ID each time. A mail that
 * nobody could use any more, or that no server took for a day, is given up, and that is an event too.
 */
export function mailSending(dependencies: MailSendingDependencies): MailSending {
  const { log, sealer, linkKeys, mailer, clock, issuer, newId } = dependencies

  async function write({ data }: Requested): Promise<Mail> {
    const to = await sealer.unseal(data.to, 'to')
    if (to === ERASED) throw new Void('the recipient was erased')
    const { mail_id: id, template, link } = data
    if (link === undefined) return mailOf(template, { id, to, issuer })
    const token = await linkToken(linkKeys, id, link)
    if (token === undefined) throw new Void('the key of the link is gone')
    return mailOf(template, { id, to, issuer, link: { purpose: link.purpose, token } })
  }

  /** Why the mail has to be given up; `undefined` once it has left. */
  async function attempt(event: Requested): Promise<string | undefined> {
    if (clock.now() >= Math.floor(event.created / 1000) + LINK_LIFETIME) return 'it did not leave in time'
    try {
      await mailer.send(await write(event))
      return undefined
    } catch (error) {
      if (error instanceof Void) return error.message
      if (error instanceof MailUndelivered && error.isPermanent) return error.message
      throw error
    }
  }

  const record = (event: Requested, failure: string | undefined) =>
    untilSettled(async () => {
      const { mail_id } = event.data
      const mails = await log.last(mailStream(mail_id), MAIL_EVENTS)
      if (isOver(mails)) return
      const outcome =
        failure === undefined
          ? ({ type: 'MailSent', data: { mail_id } } as const)
          : ({ type: 'MailFailed', data: { mail_id, reason: failure } } as const)
      const expected = mails[0]?.revision ?? 'noStream'
      await log.append(mailStream(mail_id), [outcome], { expected, context: causedBy(event, PROCESS, newId()) })
    })

  async function deliver(event: Requested): Promise<void> {
    const { mail_id, data_key } = event.data
    if (!isOver(await log.last(mailStream(mail_id), MAIL_EVENTS))) await record(event, await attempt(event))
    if (data_key !== undefined) await sealer.destroyDataKey(data_key)
  }

  return {
    deliver,
    run: (signal) =>
      followEvents({
        store: log.store,
        checkpoints: dependencies.checkpoints,
        name: PROCESS,
        categories: ['mail'],
        handle: async (event) => {
          if (event.type === 'MailRequested') await deliver(event)
        },
        onError: dependencies.onError,
        concurrency: CONCURRENCY,
        ...(dependencies.firstPauseMs !== undefined && { firstPauseMs: dependencies.firstPauseMs }),
        signal,
      }),
  }
}

const isOver = (mails: readonly DomainRecord[]) =>
  mails.some(({ type }) => type === 'MailSent' || type === 'MailFailed')
