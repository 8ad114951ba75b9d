import { createHash } from 'node:crypto'
import { type AppendResult, Conflict } from '@ledgate/eventsourcing'
import type { Sealer } from '@ledgate/vault'
import type { CommandContext, EventLog } from '../log/index.ts'
import { type Link, mailStream, type Template } from './events.ts'

/** A mail that is asked for. */
export interface MailRequest {
  readonly mailId: string
  readonly template: Template
  /** The address, in the clear. */
  readonly to: string
  /** The address is sealed under it. */
  readonly dataKey: string
  /** The key is only this mail's, and is destroyed once it has left. */
  readonly isOwnKey: boolean
  readonly link?: Link | undefined
}

/** More events than a mail's stream ever has: asked for, sent or given up, redeemed. */
export const MAIL_EVENTS = 10

/** The id of the one mail that an event leads to. */
export const mailIdFor = (eventId: string): string =>
  createHash('sha256').update(`mail ${eventId}`).digest('hex').slice(0, 32)

/** Asks for a mail, durably: it will be sent. @throws {Conflict} when it was asked for already. */
export async function requestMail(
  log: EventLog,
  sealer: Pick<Sealer, 'seal'>,
  { mailId, template, to, dataKey, isOwnKey, link, context }: MailRequest & { readonly context: CommandContext },
): Promise<AppendResult> {
  const data = {
    mail_id: mailId,
    template,
    to: await sealer.seal(dataKey, 'to', to),
    ...(link !== undefined && { link }),
    ...(isOwnKey && { data_key: dataKey }),
  }
  return log.append(mailStream.of(mailId), [{ type: 'MailRequested', data }], {
    expected: 'noStream',
    context,
    dataKey,
  })
}

/** Does nothing if another process has already done the same. */
export async function once(append: () => Promise<unknown>): Promise<void> {
  try {
    await append()
  } catch (error) {
    if (!(error instanceof Conflict)) throw error
  }
}
