import { join } from 'node:path'
import { openMailbox, type Mailbox, type MailSending, openMailSending, createSmtpMailer } from '../mail/index.ts'
import type { Backlog } from '../process-manager/index.ts'
import type { Core } from './core.ts'
import { newId } from '../log/index.ts'

/** How mail leaves. */
export interface OutgoingMail {
  readonly sending: MailSending
  /** Where it goes when no mail server is configured: to a folder, for development. */
  readonly mailbox: Mailbox | undefined
}

/** Mail by SMTP when it is configured, into a folder of the data otherwise; production always configures it. */
export function openMail(
  { config, logger, log, sealer, clock, derivationKeys, views, hearings }: Core,
  backlog: Backlog,
): OutgoingMail {
  const { issuer, mailFrom: from, smtpUrl, dataDir } = config
  const domain = new URL(issuer).hostname
  const mailbox =
    smtpUrl === undefined ? openMailbox({ folder: join(dataDir, 'mail'), from, domain, now: clock.now }) : undefined
  const mailer = smtpUrl === undefined ? mailbox : createSmtpMailer({ url: smtpUrl, from, domain })
  if (mailer === undefined) throw new Error('there is a mailbox wherever there is no mail server')
  const sending = openMailSending({
    log,
    sealer,
    linkKeys: derivationKeys,
    mailer,
    checkpoints: views.projector.checkpoints,
    clock,
    issuer,
    newId,
    backlog,
    hearing: hearings.mail,
    onError: (error) => logger.error({ err: error }, 'an email could not be sent, retrying'),
  })
  return { sending, mailbox }
}
