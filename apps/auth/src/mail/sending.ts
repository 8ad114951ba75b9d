import { setTimeout as pause } from 'node:timers/promises'
import type { Checkpoints } from '@ledgate/eventsourcing'
import { ERASED, type Sealer } from '@ledgate/vault'
import { type Clock, type EventLog, type RecordIn, retryOnConflict } from '../log/index.ts'
import { type Backlog, causedBy, followEvents, type Hearing, resume, createSlots } from '../process-manager/index.ts'
import { linkToken, LINK_LIFETIME, type LinkKeys } from './link.ts'
import { type Mailer, MailUndelivered } from './mailer.ts'
import { type Mail, mailOf } from './render.ts'
import { MAIL_EVENTS } from './request.ts'
import { RETRY_AT } from './schedule.ts'
import { mailStream } from './events.ts'

export interface MailSendingDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly linkKeys: LinkKeys
  readonly mailer: Mailer
  readonly checkpoints: Checkpoints
  readonly clock: Clock
  readonly issuer: string
  readonly newId: () => string
  /** Called with the error of each failed attempt; neither an address nor a link is in the error. */
  onError(error: unknown): void
  /** Where what fails is kept that is no mail server's doing. */
  readonly backlog?: Backlog | undefined
  /** Told how the subscription to what is to be mailed fares. */
  readonly hearing?: Pick<Hearing, 'failed' | 'heard'> | undefined
  /** Seconds after a mail was asked for at which it is tried again; default: `RETRY_AT`. */
  readonly retryAt?: readonly number[]
  /** Milliseconds between two looks for emails that are to be tried again; default: 5,000. */
  readonly lookEveryMs?: number
}

type MailRecord = RecordIn<typeof mailStream>
type Requested = Extract<MailRecord, { type: 'MailRequested' }>

/** How sending goes, since this process began. */
export interface MailState {
  readonly sent: number
  readonly failedTries: number
  readonly givenUp: number
  /** Emails that failed at their last try, whoever made it, 100,000 at most; the first of them was asked for `waitingSince`. */
  readonly waiting: number
  /** Milliseconds since the epoch. */
  readonly waitingSince: number | undefined
}

/** Sends what was asked for. */
export interface MailSending {
  /** Sends one mail, unless it has left or was given up. Safe to repeat. */
  deliver(event: Requested): Promise<void>
  state(): MailState
  /** Sends all there is and all that comes, until the signal. */
  run(signal: AbortSignal): Promise<void>
}

const PROCESS = 'mail'

/** Emails at their first try at the same time; those that wait to be tried again do not count. */
const CONCURRENCY = 64
/** Emails that are tried again at the same time: fewer than there are connections, so that new ones never stand behind them. */
const AGAIN = 2
/** Emails of one look that are held at a time. */
const BATCH = 64
/** Emails that were looked at between two checkpoints. */
const SAVE_EVERY = 1_000
const LOOK_EVERY_MS = 5_000
const checkpointAfter = (at: number) => `${PROCESS}-after-${at}`
/** Rests between two looks that may be one, where nothing is due before: clocks are put right at times. */
const MOST_RESTS = 60
const REQUESTS = { categories: ['mail'], types: ['MailRequested'] }
/** Waiting emails that are counted at most. */
const SHOWN = 100_000

/** Why a mail is no longer written. */
class MailObsolete extends Error {}

/**
 * Follows the log and sends each mail that was asked for: at least once, with the same Message-ID each time. A mail that no
 * server takes now is left behind, and met again by one of those who follow the log at a distance, each at an age of its own:
 * nothing is held in memory for it, nothing waits behind it, and a restart goes on where it was. An email that is of no use any longer
 * any more, or that no server took for a day, is given up, and that is an event too.
 */
export function openMailSending(dependencies: MailSendingDependencies): MailSending {
  const { log, sealer, linkKeys, mailer, clock, issuer, newId } = dependencies
  const { retryAt = RETRY_AT, lookEveryMs = LOOK_EVERY_MS } = dependencies
  const again = createSlots(AGAIN)
  const onTheirWay = new Set<string>()
  const state = { sent: 0, failedTries: 0, givenUp: 0, waiting: new Map<string, number>() }

  async function write({ data }: Requested): Promise<Mail> {
    const to = await sealer.unseal(data.to, 'to')
    if (to === ERASED) throw new MailObsolete('the recipient was erased')
    const { mail_id: id, template, link } = data
    if (link === undefined) return mailOf(template, { id, to, issuer })
    const token = await linkToken(linkKeys, id, link)
    if (token === undefined) throw new MailObsolete('the key of the link is gone')
    return mailOf(template, { id, to, issuer, link: { purpose: link.purpose, token } })
  }

  /** Why the mail has to be given up; `undefined` once it has left. */
  async function attempt(event: Requested): Promise<string | undefined> {
    if (clock.now() >= Math.floor(event.created / 1000) + LINK_LIFETIME) return 'it did not leave in time'
    try {
      await mailer.send(await write(event))
      return undefined
    } catch (error) {
      if (error instanceof MailObsolete) return error.message
      if (error instanceof MailUndelivered && error.isPermanent) return error.message
      throw error
    }
  }

  const record = (event: Requested, failure: string | undefined) =>
    retryOnConflict(async () => {
      const { mail_id } = event.data
      const mails = await log.last(mailStream.of(mail_id), MAIL_EVENTS)
      if (isOver(mails)) return
      const outcome =
        failure === undefined
          ? ({ type: 'MailSent', data: { mail_id } } as const)
          : ({ type: 'MailFailed', data: { mail_id, reason: failure } } as const)
      const expected = mails[0]?.revision ?? 'noStream'
      await log.append(mailStream.of(mail_id), [outcome], { expected, context: causedBy(event, PROCESS, newId()) })
    })

  async function isDone({ data: { mail_id } }: Requested): Promise<boolean> {
    return isOver(await log.last(mailStream.of(mail_id), MAIL_EVENTS))
  }

  async function conclude(event: Requested, failure: string | undefined): Promise<void> {
    await record(event, failure)
    state.waiting.delete(event.data.mail_id)
    if (failure === undefined) state.sent += 1
    else state.givenUp += 1
  }

  async function deliver(event: Requested): Promise<void> {
    const { data_key, to } = event.data
    if (!(await isDone(event))) await conclude(event, await attempt(event))
    if (data_key !== undefined && (await sealer.unseal(to, 'to')) !== ERASED) await sealer.destroyDataKey(data_key)
  }

  /** One try; a mail that no server takes now is left to the next look at emails of its age. */
  async function tryOnce(event: Requested): Promise<void> {
    if (onTheirWay.has(event.id)) return // a server takes its time with it
    onTheirWay.add(event.id)
    try {
      await deliver(event)
    } catch (error) {
      if (!(error instanceof MailUndelivered)) throw error
      dependencies.onError(error)
      state.failedTries += 1
      if (state.waiting.size < SHOWN) state.waiting.set(event.data.mail_id, event.created)
    } finally {
      onTheirWay.delete(event.id)
    }
  }

  /**
   * Tries again all emails that have come to an age, save those that have come to the next one; from the last checkpoint on.
   *
   * @returns milliseconds after which the next one is due, as far as is known.
   */
  async function lookAgain(at: number, nextAt: number | undefined, signal: AbortSignal): Promise<number> {
    const name = checkpointAfter(at)
    const after = await resume(log.store, dependencies.checkpoints, name)
    const head = await log.store.head()
    const age = ({ created }: { readonly created: number }) => clock.now() - Math.floor(created / 1000)
    let [reached, seen, due, dueIn] = [after, 0, [] as Requested[], 0]
    const finish = async () => {
      await Promise.all(due.map((event) => again.within(async () => (signal.aborted ? undefined : tryOnce(event)))))
      due = []
      if (!signal.aborted) await dependencies.checkpoints.save(name, reached)
    }
    for await (const recorded of log.store.readAll({ after, filter: REQUESTS, signal })) {
      if (age(recorded) < at) {
        dueIn = (at - age(recorded)) * 1000
        break
      }
      const event = nextAt !== undefined && age(recorded) >= nextAt ? undefined : mailStream.decode(recorded)
      if (event?.type === 'MailRequested') due.push(event)
      reached = recorded.position
      seen += 1
      if (due.length >= BATCH || seen % SAVE_EVERY === 0) await finish()
    }
    if (dueIn === 0 && !signal.aborted && head > reached) reached = head // nothing that is in between was asked for
    if (reached !== after) await finish()
    return dueIn
  }

  /** Learns which emails wait that failed at another process: those that had their first try and are not over. */
  async function takeOver(signal: AbortSignal): Promise<void> {
    const [after, tried] = await Promise.all(
      [checkpointAfter(retryAt.at(-1) ?? 0), PROCESS].map((name) => resume(log.store, dependencies.checkpoints, name)),
    )
    if (after === undefined || tried === undefined) return
    for await (const recorded of log.store.readAll({ after, filter: { categories: ['mail'] }, signal })) {
      const event = mailStream.decode(recorded)
      if (event?.type === 'MailSent' || event?.type === 'MailFailed') state.waiting.delete(event.data.mail_id)
      const isTried = event?.type === 'MailRequested' && recorded.position <= tried && state.waiting.size < SHOWN
      if (isTried) state.waiting.set(event.data.mail_id, event.created)
    }
  }

  const firstTries = (signal: AbortSignal) =>
    followEvents({
      store: log.store,
      checkpoints: dependencies.checkpoints,
      name: PROCESS,
      streams: [mailStream],
      handle: async (event) => {
        if (event.type === 'MailRequested') await tryOnce(event)
      },
      onError: dependencies.onError,
      backlog: dependencies.backlog,
      hearing: dependencies.hearing,
      concurrency: CONCURRENCY,
      signal,
    })

  async function laterTries(index: number, signal: AbortSignal): Promise<void> {
    const at = retryAt[index]
    while (at !== undefined && !signal.aborted) {
      const look = checkpointAfter(at)
      const dueIn = await lookAgain(at, retryAt[index + 1], signal).then(
        (ms) => (dependencies.backlog?.over(look), ms),
        (error: unknown) => {
          dependencies.onError(error)
          dependencies.backlog?.failed(look, clock.nowMs())
          return 0 // from the checkpoint, at the next look
        },
      )
      const restMs = Math.min(Math.max(dueIn, lookEveryMs), lookEveryMs * MOST_RESTS)
      await pause(restMs, undefined, { signal }).catch(() => {})
    }
  }

  return {
    deliver,
    state: () => ({
      sent: state.sent,
      failedTries: state.failedTries,
      givenUp: state.givenUp,
      waiting: state.waiting.size,
      waitingSince: state.waiting.values().next().value,
    }),
    async run(signal) {
      const stopping = new AbortController()
      const either = AbortSignal.any([signal, stopping.signal])
      await takeOver(signal)
      const later = retryAt.map((_, index) => laterTries(index, either))
      try {
        await firstTries(signal)
      } finally {
        stopping.abort()
        await Promise.all(later)
        state.waiting.clear() // whoever goes on knows which wait
      }
    },
  }
}

const isOver = (mails: readonly MailRecord[]) => mails.some(({ type }) => type === 'MailSent' || type === 'MailFailed')
