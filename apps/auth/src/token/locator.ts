import { decrypt, encrypt } from '@ledgate/vault'
import { MAX_TOKEN_IN_FORM } from '@ledgate/oauth'
import { decodeProtectedHeader } from 'jose'
import { z } from 'zod'

/** Where an encrypted token is in the log: enough to revoke it, and for nothing else. */
export const Located = z.object({
  jti: z.string(),
  client_id: z.string(),
  /** Of a user's token. */
  gid: z.string().optional(),
  exp: z.int(),
})
export type Located = z.infer<typeof Located>

/** Makes and opens locators: only we can do either, so one says nothing to others and cannot be made up. */
export interface Locators {
  make(token: Located): string
  /** What an encrypted token of ours says of itself; `undefined` for anything else. */
  read(jwe: string): Located | undefined
}

const CONTEXT = 'locator'
const PARTS_OF_JWE = 5

/** @param key 32 bytes of the vault. */
export function locators(key: Uint8Array): Locators {
  return {
    make: ({ jti, client_id, gid, exp }) =>
      encrypt(key, Buffer.from(JSON.stringify({ jti, client_id, gid, exp })), CONTEXT).toString('base64url'),
    read(jwe) {
      if (jwe.length > MAX_TOKEN_IN_FORM || jwe.split('.').length !== PARTS_OF_JWE) return undefined
      try {
        const { locator } = decodeProtectedHeader(jwe) as { readonly locator?: unknown }
        if (typeof locator !== 'string') return undefined
        const box = Buffer.from(locator, 'base64url')
        if (box.toString('base64url') !== locator) return undefined // one spelling only
        return Located.parse(JSON.parse(decrypt(key, box, CONTEXT).toString()))
      } catch {
        return undefined // not one of ours
      }
    },
  }
}
