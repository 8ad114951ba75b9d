import { createHmac, createSecretKey, randomBytes } from 'node:crypto'
import type { CommandContext, Written } from '../log/index.ts'
import type { Key } from './events.ts'
import { type Keyring, type KeyringOptions, openKeyring } from './keyring.ts'
import type { Ring } from './keyring-log.ts'

/** The keys that derive secrets, at one moment. */
export interface DerivationKeySet {
  /** The key for new secrets. */
  readonly current: string
  /** 32 bytes; `undefined` when there is no such key (any more). */
  derive(key: string, purpose: 'refresh' | 'link', parts: readonly string[]): Buffer | undefined
  /** All keys, also those that ended lately. */
  readonly keys: readonly Key[]
}

/** Makes secrets that can be made again and so need not be kept: refresh tokens, mailed links. */
export interface DerivationKeys {
  /** The keys as the log says, never older than the call. @throws {Unavailable} when the log cannot say now. */
  read(): Promise<DerivationKeySet>
  rotate(context: CommandContext): Promise<Written>
  /** Every refresh token and mailed link that it made is void: whoever had one signs in again. */
  compromise: Keyring['compromise']
  maintain(period: number): Promise<void>
}

/** One text for each list of texts: every part with its length before it. */
const unambiguous = (parts: readonly string[]) => parts.map((part) => `${part.length}:${part}`).join('')

async function makeDerivationKey() {
  return { key: { kid: randomBytes(8).toString('hex'), alg: 'HS256' }, secret: randomBytes(32) }
}

function keySetOf({ keys, secrets }: Ring): DerivationKeySet {
  const active = keys.find(({ status }) => status === 'active')
  if (active === undefined) throw new Error('there is no active derivation key')
  // As key objects, which Node need not take in anew for each token.
  const objects = new Map([...secrets].map(([kid, secret]) => [kid, createSecretKey(secret)]))
  return {
    current: active.kid,
    derive(key, purpose, parts) {
      const secret = objects.get(key)
      return (
        secret &&
        createHmac('sha256', secret)
          .update(unambiguous([purpose, ...parts]))
          .digest()
      )
    },
    keys,
  }
}

/** Opens the keys that derive secrets. They are never published, so a standby may be used at once. */
export async function openDerivationKeys(
  options: Omit<KeyringOptions, 'make' | 'use' | 'publishedFor'>,
): Promise<DerivationKeys> {
  const ring = await openKeyring({ ...options, use: 'derivation', publishedFor: 0, make: makeDerivationKey })
  let made: { readonly of: Ring; readonly set: DerivationKeySet } | undefined

  return {
    async read() {
      const of = await ring.read()
      if (made?.of !== of) made = { of, set: keySetOf(of) }
      return made.set
    },
    rotate: (context) => ring.rotate(context),
    compromise: (kid, context) => ring.compromise(kid, context),
    maintain: (period) => ring.maintain(period),
  }
}
