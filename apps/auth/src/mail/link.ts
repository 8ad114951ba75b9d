import { timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Link } from './events.ts'

/** Makes a link's secret, and makes it again: it is nowhere but in the mail. */
export interface LinkKeys {
  /** The keys as the log says, never older than the call. */
  read(): Promise<{
    readonly current: string
    derive(key: string, purpose: 'link', parts: readonly string[]): Buffer | undefined
  }>
}

/** What a link says of itself; nothing of it is proved before the secret is. */
export interface PresentedLink {
  readonly key: string
  readonly mailId: string
  readonly secret: Buffer
}

/** How long a mailed link may be used, in seconds: one that opens an account, not for long. */
export const LINK_LIFETIME = 86_400
const RESET_LIFETIME = 3_600

/** What an emailed link carries, as the user sends it back: longer than any of ours, and no more. */
export const LinkText = z.string().max(256).meta({ description: 'from the mailed link' })

const SHAPE = /^m1\.([0-9a-z]{1,64})\.([0-9a-f]{32})\.([A-Za-z0-9_-]{43})$/

/** A new link that confirms a reservation of an address. */
export const confirmLink = async (
  keys: LinkKeys,
  { email_hmac, reservation_id, now }: Pick<Link, 'email_hmac' | 'reservation_id'> & { readonly now: number },
): Promise<Link> => ({
  purpose: 'confirm',
  email_hmac,
  reservation_id,
  key: (await keys.read()).current,
  expires_at: now + LINK_LIFETIME,
})

/** What a link for a user's account is bound to. */
export type AccountLink = Required<Pick<Link, 'email_hmac' | 'reservation_id' | 'sub' | 'epoch'>> & {
  readonly now: number
}

/** A new link that sets a new password. */
export const resetLink = async (keys: LinkKeys, { now, ...bound }: AccountLink): Promise<Link> => ({
  purpose: 'reset',
  ...bound,
  key: (await keys.read()).current,
  expires_at: now + RESET_LIFETIME,
})

/** What a link for another address is bound to beside. */
export type ChangeEmailLink = AccountLink & Required<Pick<Link, 'from'>> & Pick<Link, 'from_reservation_id'>

/** A new link that gives an account the address that the mail went to. */
export const changeEmailLink = async (keys: LinkKeys, { now, ...bound }: ChangeEmailLink): Promise<Link> => ({
  purpose: 'change-email',
  ...bound,
  key: (await keys.read()).current,
  expires_at: now + LINK_LIFETIME,
})

const secretOf = async (keys: LinkKeys, key: string, mailId: string) =>
  (await keys.read()).derive(key, 'link', ['confirm', mailId])

/** The text of the link that a mail carries; `undefined` when its key is gone. */
export async function linkToken(
  keys: LinkKeys,
  mailId: string,
  { key }: Pick<Link, 'key'>,
): Promise<string | undefined> {
  const secret = await secretOf(keys, key, mailId)
  return secret && `m1.${key}.${mailId}.${secret.toString('base64url')}`
}

/** The parts of the text of a link; `undefined` when it is none. */
export function parseLinkToken(text: string): PresentedLink | undefined {
  const [, key, mailId, secret] = SHAPE.exec(text) ?? []
  if (key === undefined || mailId === undefined || secret === undefined) return undefined
  return { key, mailId, secret: Buffer.from(secret, 'base64url') }
}

/** Whether the link was really sent by email. */
export async function isGenuine(keys: LinkKeys, { key, mailId, secret }: PresentedLink): Promise<boolean> {
  const expected = await secretOf(keys, key, mailId)
  return expected !== undefined && expected.length === secret.length && timingSafeEqual(expected, secret)
}
