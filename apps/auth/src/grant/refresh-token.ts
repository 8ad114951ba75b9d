import { timingSafeEqual } from 'node:crypto'
import type { DerivationKeySet } from '../signing-key/index.ts'

/** A refresh token names its grant, its generation and the key its secret was derived with: nothing is searched. */
export interface RefreshToken {
  readonly key: string
  readonly gid: string
  readonly generation: number
}

const SHAPE = /^r1\.([0-9a-f]{16})\.([0-9a-f]{32})\.(0|[1-9][0-9]{0,8})\.([A-Za-z0-9_-]{43})$/

const secretOf = (keys: Pick<DerivationKeySet, 'derive'>, { key, gid, generation }: RefreshToken) =>
  keys.derive(key, 'refresh', [gid, String(generation)])

/** The token of a generation: the same one however often it is made. @throws {Error} when its key is gone. */
export function makeRefreshToken(keys: Pick<DerivationKeySet, 'derive'>, token: RefreshToken): string {
  const secret = secretOf(keys, token)
  if (secret === undefined) throw new Error(`the derivation key ${token.key} is gone`)
  return `r1.${token.key}.${token.gid}.${token.generation}.${secret.toString('base64url')}`
}

/** What a text says, if it is a refresh token of ours with the right secret; compared in constant time. */
export function readRefreshToken(keys: Pick<DerivationKeySet, 'derive'>, text: string): RefreshToken | undefined {
  const [, key, gid, generation, secret] = SHAPE.exec(text) ?? []
  if (key === undefined || gid === undefined || generation === undefined || secret === undefined) return undefined
  const token = { key, gid, generation: Number(generation) }
  const expected = secretOf(keys, token)
  if (expected === undefined) return undefined
  return timingSafeEqual(Buffer.from(expected.toString('base64url')), Buffer.from(secret)) ? token : undefined
}
