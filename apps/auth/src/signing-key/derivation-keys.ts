import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import type { CommandContext } from '../log/index.ts'
import { type Keyring, type KeyringOptions, openKeyring } from './keyring.ts'

/** Makes secrets that can be made again and so need not be kept: refresh tokens, mailed links. */
export interface DerivationKeys {
  /** The key for new secrets. */
  readonly current: string
  /** 32 bytes; `undefined` when there is no such key (any more). */
  derive(key: string, purpose: 'refresh' | 'link', parts: readonly string[]): Buffer | undefined
  rotate(context: CommandContext): Promise<{ position: string }>
  /** Every refresh token and mailed link that it made is void: whoever had one signs in again. */
  compromise: Keyring['compromise']
  maintain(period: number): Promise<void>
  follow(signal: AbortSignal): Promise<void>
  keys: Keyring['keys']
}

/** One text for each list of texts: every part with its length before it. */
const unambiguous = (parts: readonly string[]) => parts.map((part) => `${part.length}:${part}`).join('')

async function makeDerivationKey() {
  return { key: { kid: randomBytes(8).toString('hex'), alg: 'HS256' }, secret: randomBytes(32) }
}

/** Opens the keys that derive secrets. They are never published, so a standby may be used at once. */
export async function openDerivationKeys(
  options: Omit<KeyringOptions, 'make' | 'use' | 'publishedFor'>,
): Promise<DerivationKeys> {
  const ring = await openKeyring({ ...options, use: 'derivation', publishedFor: 0, make: makeDerivationKey })
  let objects = new Map<string, KeyObject>()
  ring.onChange(() => (objects = new Map()))

  /** As a key object, which Node need not take in anew for each token. */
  function secretKey(kid: string): KeyObject | undefined {
    const known = objects.get(kid)
    if (known !== undefined) return known
    const secret = ring.secret(kid)
    if (secret === undefined) return undefined
    const made = createSecretKey(secret)
    objects.set(kid, made)
    return made
  }

  return {
    get current() {
      const active = ring.keys().find(({ status }) => status === 'active')
      if (active === undefined) throw new Error('there is no active derivation key')
      return active.kid
    },
    derive(key, purpose, parts) {
      const secret = secretKey(key)
      return (
        secret &&
        createHmac('sha256', secret)
          .update(unambiguous([purpose, ...parts]))
          .digest()
      )
    },
    keys: ring.keys,
    rotate: ring.rotate,
    compromise: ring.compromise,
    maintain: ring.maintain,
    follow: ring.follow,
  }
}
