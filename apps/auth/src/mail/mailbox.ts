import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { z } from 'zod'
import { type Mailer, messageIdOf } from './mailer.ts'

/** A mail as the development mailbox shows it. `sent_at` is in seconds since the epoch. */
export const MailboxEntry = z.strictObject({
  to: z.string(),
  subject: z.string(),
  text: z.string(),
  link: z.string().optional(),
  token: z.string().optional(),
  sent_at: z.int(),
})
export type MailboxEntry = z.infer<typeof MailboxEntry>

/** A folder instead of a mail server, for development: anyone who can read it can read every email. */
export interface Mailbox extends Mailer {
  /** Newest first; those to one address when it is given. */
  list(to?: string): Promise<readonly MailboxEntry[]>
}

export interface MailboxOptions {
  readonly folder: string
  readonly from: string
  readonly domain: string
  /** Whole seconds since the epoch. */
  readonly now: () => number
}

/** Keeps each mail as it would have left (`.eml`), and what a page shows of it (`.json`), whole or not at all. */
export function openMailbox({ folder, from, domain, now }: MailboxOptions): Mailbox {
  const transport = createTransport({ streamTransport: true, buffer: true })
  let sequence = 0

  async function write(name: string, content: string | Buffer): Promise<void> {
    const draft = join(folder, `.${name}.${process.pid}.${(sequence += 1)}`)
    await writeFile(draft, content, { mode: 0o600 })
    await rename(draft, join(folder, name))
  }

  async function entry(file: string): Promise<MailboxEntry | undefined> {
    const parsed = MailboxEntry.safeParse(JSON.parse(await readFile(join(folder, file), 'utf8')))
    return parsed.data
  }

  return {
    async send(mail) {
      const { id, to, subject, text, html, link, token } = mail
      await mkdir(folder, { recursive: true })
      const messageId = messageIdOf(mail, domain)
      const date = new Date(now() * 1000)
      const { message } = await transport.sendMail({ from, to, subject, text, html, messageId, date })
      if (!Buffer.isBuffer(message)) throw new TypeError('the transport returned no buffer')
      await write(`${id}.eml`, message)
      const shown: MailboxEntry = { to, subject, text, ...(link && { link }), ...(token && { token }), sent_at: now() }
      await write(`${id}.json`, JSON.stringify(shown))
    },

    async list(to) {
      const files = await readdir(folder).catch(() => [])
      const names = files.filter((file) => /^[0-9a-f]{32}\.json$/.test(file))
      const entries = (await Promise.all(names.map(entry))).filter((each) => each !== undefined)
      const wanted = to?.trim().toLowerCase()
      return entries
        .filter((each) => wanted === undefined || each.to === wanted)
        .toSorted((one, other) => other.sent_at - one.sent_at)
    },

    close: async () => {},
  }
}
