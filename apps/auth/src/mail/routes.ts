import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { TypedAddress } from '../email-address/index.ts'
import { parse } from '../http/index.ts'
import { html, page, PAGE_HEADERS } from '../html/index.ts'
import type { Mailbox, MailboxEntry } from './mailbox.ts'

/** Milliseconds that a question for one address waits for its first mail: whoever just registered asks at once. */
const PATIENCE_MS = 2_000
const LOOK_MS = 20

const Query = z.object({ to: TypedAddress.optional() })

const shown = ({ to, subject, text, link, sent_at }: MailboxEntry) =>
  html`<article class="card">
    <h2>${subject}</h2>
    <p>
      to ${to},
      <time datetime="${new Date(sent_at * 1000).toISOString()}">${new Date(sent_at * 1000).toUTCString()}</time>
    </p>
    ${link === undefined ? undefined : html`<p><a href="${link}">Open the link</a></p>`}
    <pre>${text}</pre>
  </article>`

const mailboxPage = (mails: readonly MailboxEntry[]) =>
  page({
    title: 'Mail',
    isWide: true,
    body: html`<h1>Mail that development kept instead of sending it</h1>
      ${mails.length === 0 ? html`<p>There is none.</p>` : mails.map(shown)}`,
  })

async function firstMails(mailbox: Pick<Mailbox, 'list'>, to: string | undefined): Promise<readonly MailboxEntry[]> {
  for (const until = Date.now() + PATIENCE_MS; ; await pause(LOOK_MS)) {
    const mails = await mailbox.list(to)
    if (mails.length > 0 || to === undefined || Date.now() >= until) return mails
  }
}

/** `/dev/mail`: every mail there is, newest first. Only ever registered in development. */
export const devMailRoutes: FastifyPluginAsync<{ readonly mailbox: Pick<Mailbox, 'list'> }> = async (
  app,
  { mailbox },
) => {
  const schema = { tags: ['development'], summary: 'Mails of development, as a page or as JSON', querystring: Query }
  app.get('/dev/mail', { schema }, async (request, reply) => {
    const mails = await firstMails(mailbox, parse(Query, request.query).to)
    if ((request.headers.accept ?? '').includes('application/json'))
      return reply.header('cache-control', 'no-store').send(mails)
    return reply.headers(PAGE_HEADERS).send(mailboxPage(mails))
  })
}
