import { type Clock, type EventLog } from '../log/index.ts'
import { isGenuine, type LinkKeys, parseLinkToken } from './link.ts'
import { type Link, type MailRequestedData, mailStream } from './events.ts'
import { MAIL_EVENTS } from './request.ts'
import { InvalidLink } from '../email-address/index.ts'

/** A link whose secret is right and that is not too old; whether it did its work already is for others to say. */
export interface OpenLink extends Link {
  readonly mailId: string
  /** Whom it was sent to, sealed. */
  readonly to: MailRequestedData['to']
}

/** Opens a link that was mailed for a purpose. @throws {InvalidLink} */
export async function openLink(
  { log, linkKeys, clock }: { readonly log: EventLog; readonly linkKeys: LinkKeys; readonly clock: Clock },
  token: string,
  purpose: Link['purpose'],
): Promise<OpenLink> {
  const presented = parseLinkToken(token)
  if (presented === undefined || !(await isGenuine(linkKeys, presented)))
    throw new InvalidLink('the link was not issued by this server')
  const mails = await log.last(mailStream.of(presented.mailId), MAIL_EVENTS)
  const requested = mails.find((event) => event.type === 'MailRequested')
  const link = requested?.data.link
  if (link === undefined || requested === undefined || link.key !== presented.key || link.purpose !== purpose)
    throw new InvalidLink('the link was issued for another purpose')
  if (clock.now() >= link.expires_at) throw new InvalidLink('the link expired')
  return { ...link, mailId: presented.mailId, to: requested.data.to }
}
