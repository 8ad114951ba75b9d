import { domainToASCII } from 'node:url'
import { ERASED, type Sealer } from '@ledgate/vault'
import { z } from 'zod'
import type { KeyedHash, Sealed, StreamName } from '../log/index.ts'
import { type EmailEvent, emailStream } from './events.ts'

/** RFC 5321 §4.5.3.1.3 allows a path of 256 octets with its brackets. */
export const MAX_ADDRESS = 254

/** RFC 5321 §4.5.3.1.1, in octets. */
const MAX_LOCAL_PART = 64

/** UTF-16 units of an address as it may be typed, before it is normalized. */
const MAX_TYPED = 4 * MAX_ADDRESS

/** An address as typed by a user: whether it is one is for {@link normalizeAddress} to say. */
export const TypedAddress = z.string().max(MAX_TYPED)

const INTERNATIONAL_DOMAIN = /^[\p{L}\p{N}\p{M}.-]+$/u
const ASCII = /^[\x21-\x7e]+$/

/** An international domain in its one ASCII spelling (RFC 5891); `undefined` when it has none. */
function asciiDomain(domain: string): string | undefined {
  if (ASCII.test(domain)) return domain
  const ascii = INTERNATIONAL_DOMAIN.test(domain) ? domainToASCII(domain) : ''
  return ascii === '' ? undefined : ascii
}

/**
 * The one spelling of an address that is compared, hashed and written to: trimmed, Unicode form C, lower case, its
 * domain in ASCII; `undefined` when it is no address. The part before the `@` is ASCII: not every mail server on the
 * way delivers others (RFC 6531), and look-alikes of somebody's address cannot be registered.
 */
export function normalizeAddress(text: string): string | undefined {
  if (text.length > MAX_TYPED || !text.isWellFormed()) return undefined
  const address = text.trim().normalize('NFC')
  const at = address.lastIndexOf('@')
  const domain = asciiDomain(address.slice(at + 1))
  if (at < 1 || domain === undefined || !ASCII.test(address.slice(0, at))) return undefined
  const spelled = `${address.slice(0, at)}@${domain}`.toLowerCase()
  return spelled.length <= MAX_ADDRESS && z.email().safeParse(spelled).success ? spelled : undefined
}

/**
 * The same for an address that no one had before: who registers, administration and the bootstrap file take the same. A longer
 * part before the `@`, which an older version took, still signs in.
 */
export function normalizeNewAddress(text: string): string | undefined {
  const address = normalizeAddress(text)
  return address === undefined || address.lastIndexOf('@') > MAX_LOCAL_PART ? undefined : address
}

/** Addresses by the names of their streams. */
export interface Addresses {
  /** The keyed hash of a normalized address. */
  hmac(address: string): string
  stream(hmac: string): StreamName<EmailEvent>
}

/** @param hash keyed by the vault: the log does not tell which addresses are in it. */
export const openAddresses = (hash: KeyedHash): Addresses => ({
  hmac: (address) => hash(`email ${address}`),
  stream: (hmac) => emailStream.of(hmac),
})

/** The keyed hash of a user's address; `undefined` when it is erased. */
export async function hmacOfUser(
  addresses: Pick<Addresses, 'hmac'>,
  sealer: Pick<Sealer, 'unseal'>,
  { email }: { readonly email: Sealed },
): Promise<string | undefined> {
  const text = await sealer.unseal(email, 'email')
  const address = text === ERASED ? undefined : normalizeAddress(text)
  return address === undefined ? undefined : addresses.hmac(address)
}
