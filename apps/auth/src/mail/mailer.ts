import { createTransport } from 'nodemailer'
import type { Mail } from './render.ts'

/** Gets emails out of the house. */
export interface Mailer {
  /** Resolves when a mail server has accepted the email. @throws {MailUndelivered} */
  send(mail: Mail): Promise<void>
  close(): Promise<void>
}

/** The mail did not leave. No address and no word of the mail is in it: it is logged. */
export class MailUndelivered extends Error {
  /** Trying again would not help. */
  readonly isPermanent: boolean

  constructor(reason: string, isPermanent: boolean) {
    super(`an email could not be sent: ${reason}`)
    this.name = 'MailUndelivered'
    this.isPermanent = isPermanent
  }
}

export interface SmtpMailerOptions {
  /** `smtp:` or `smtps:`, with the credentials in it. */
  readonly url: string
  readonly from: string
  /** The right side of every Message-ID. */
  readonly domain: string
}

const TIMEOUTS_MS = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 }

const MAX_CONNECTIONS = 4

/** The same for every try, so that a receiver can drop a second copy (RFC 5322 §3.6.4). */
export const messageIdOf = ({ id }: Pick<Mail, 'id'>, domain: string): string => `<${id}@${domain}>`

const member = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Object.entries(error).find(([key]) => key === name)?.[1] : undefined

/** Only a refused recipient is for good (RFC 5321 §4.2.1); whatever else is wrong may be mended. */
function undelivered(error: unknown): MailUndelivered {
  const [code, answer] = [member(error, 'code'), member(error, 'responseCode')]
  const isPermanent = code === 'EENVELOPE' && typeof answer === 'number' && answer >= 500
  return new MailUndelivered(`${String(code ?? 'unknown')} ${String(answer ?? '')}`.trim(), isPermanent)
}

/** Emails over SMTP, on a few connections that are kept open. */
export function createSmtpMailer({ url, from, domain }: SmtpMailerOptions): Mailer {
  const transport = createTransport({ url, pool: true, maxConnections: MAX_CONNECTIONS, ...TIMEOUTS_MS })
  return {
    async send(mail) {
      const { to, subject, text, html } = mail
      const headers = { 'auto-submitted': 'auto-generated' }
      try {
        await transport.sendMail({ from, to, subject, text, html, headers, messageId: messageIdOf(mail, domain) })
      } catch (error) {
        throw undelivered(error)
      }
    },
    close: async () => transport.close(),
  }
}
