import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import type { JsonObject } from '@ledgate/eventsourcing'
import { derToJws, type VerificationKey, toVerificationKey } from '@ledgate/jws'
import { calculateJwkThumbprint, type JWK } from 'jose'
import type { CommandContext, Written } from '../log/index.ts'
import type { Key } from './events.ts'
import { type Keyring, type KeyringOptions, openKeyring } from './keyring.ts'
import { isLive, type MadeKey, type Ring } from './keyring-log.ts'

/** Makes JWTs with one key. */
export interface Signer {
  readonly kid: string
  sign(header: { readonly typ: string }, payload: JsonObject): Promise<string>
}

/** The keys that sign, and everything others need to check what they signed, at one moment. */
export interface SigningKeySet {
  /** Whoever records its `kid` first signs with that very key afterwards. */
  readonly signer: Signer
  /** The public keys: those in use, those to come, those whose tokens may live. RFC 7517 §5. */
  readonly jwks: { readonly keys: readonly JsonObject[] }
  /** The key that checks what was signed under this name. */
  publicKey(kid: string): VerificationKey | undefined
  /** What the published keys sign with: two algorithms for a while after another one was configured. */
  readonly algs: readonly string[]
  /** All keys, also those that ended lately. */
  readonly keys: readonly Key[]
}

/** The keys that sign tokens, or what is said of revocations. */
export interface SigningKeys {
  /**
   * The keys as the log says, never older than the call: once it was answered that a key is compromised, no process signs
   * with it, believes it or publishes it.
   *
   * @throws {Unavailable} when the log cannot say now.
   */
  read(): Promise<SigningKeySet>
  /** Seconds for which the key set may be cached. */
  readonly maxAge: number
  rotate(context: CommandContext): Promise<Written>
  compromise: Keyring['compromise']
  maintain(period: number): Promise<void>
}

export type SigningAlg = 'ES256' | 'EdDSA' | 'RS256'

const RSA_BITS = 2048

const generate = promisify(generateKeyPair)

async function pairFor(alg: SigningAlg): Promise<KeyObject> {
  if (alg === 'ES256') return (await generate('ec', { namedCurve: 'P-256' })).privateKey
  if (alg === 'EdDSA') return (await generate('ed25519')).privateKey
  return (await generate('rsa', { modulusLength: RSA_BITS })).privateKey
}

/** A new key pair; its `kid` is the thumbprint of RFC 7638. */
async function makeSigningKey(alg: SigningAlg): Promise<MadeKey> {
  const privateKey = await pairFor(alg)
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' }) as JWK & { kty: string }
  const kid = await calculateJwkThumbprint(jwk)
  const secret = privateKey.export({ format: 'der', type: 'pkcs8' })
  return { key: { kid, alg, public_jwk: { ...jwk, kid, alg, use: 'sig' } }, secret }
}

const digestOf = (alg: string) => (alg === 'EdDSA' ? null : 'sha256')

/** A signature of OpenSSL as RFC 7518 §3 and RFC 8037 §3.1 write it. */
const inJws = (alg: string, signature: Buffer): Buffer => (alg === 'ES256' ? derToJws(signature) : signature)

/** Signs bytes by an algorithm. */
type Sign = (alg: string, key: KeyObject, input: Buffer) => Buffer | Promise<Buffer>

/** In the thread pool of libuv, where nothing else waits: passwords are hashed elsewhere. */
const signAside: Sign = (alg, key, input) =>
  new Promise((resolve, reject) => {
    sign(digestOf(alg), input, key, (error, bytes) => {
      if (error === null) resolve(inJws(alg, bytes))
      else reject(error)
    })
  })

/** Before another thread would be awake: for a notice, which comes alone most of the time, and for which everybody waits. */
const signAtOnce: Sign = (alg, key, input) => inJws(alg, sign(digestOf(alg), input, key))

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

function signer(kid: string, alg: string, key: KeyObject, signature: Sign): Signer {
  const headers = new Map<string, string>()

  function headerOf(typ: string): string {
    const known = headers.get(typ)
    if (known !== undefined) return known
    const made = base64url({ alg, typ, kid })
    headers.set(typ, made)
    return made
  }

  return {
    kid,
    async sign({ typ }, payload) {
      const input = `${headerOf(typ)}.${base64url(payload)}`
      return `${input}.${(await signature(alg, key, Buffer.from(input))).toString('base64url')}`
    },
  }
}

function publicKeyOf({ kid, alg, public_jwk: jwk }: Key): VerificationKey {
  const key = toVerificationKey(createPublicKey({ key: jwk as JWK, format: 'jwk' }), [alg as SigningAlg])
  if (key === undefined) throw new Error(`the key ${kid} is not a key for ${alg}`)
  return key
}

export interface SigningKeysOptions extends Omit<KeyringOptions, 'make' | 'use' | 'publishedFor'> {
  /** What the keys sign: default: tokens. */
  readonly use?: 'signing' | 'feed'
  /** default: ES256. */
  readonly alg?: SigningAlg
  /** Seconds for which the key set may be cached; a key is published for at least this long before it signs. */
  readonly maxAge: number
}

/** Opens the keys that sign tokens, or those that sign what is said of revocations. */
export async function openSigningKeys({
  use = 'signing',
  alg = 'ES256',
  maxAge,
  ...options
}: SigningKeysOptions): Promise<SigningKeys> {
  const ring = await openKeyring({
    ...options,
    use,
    alg,
    publishedFor: maxAge,
    make: () => makeSigningKey(alg),
  })

  function keySetOf({ keys, secrets }: Ring): SigningKeySet {
    const live = keys.filter(isLive)
    const used = live.find(({ status }) => status === 'active')
    const secret = used && secrets.get(used.kid)
    if (used === undefined || secret === undefined) throw new Error(`the active ${use} key is not in the vault`)
    const key = createPrivateKey({ key: Buffer.from(secret), format: 'der', type: 'pkcs8' })
    const publicKeys = new Map(live.map((each) => [each.kid, publicKeyOf(each)]))
    return {
      signer: signer(used.kid, used.alg, key, use === 'feed' ? signAtOnce : signAside),
      jwks: { keys: live.flatMap(({ public_jwk }) => (public_jwk === undefined ? [] : [public_jwk as JsonObject])) },
      publicKey: (kid) => publicKeys.get(kid),
      algs: [...new Set(live.map((each) => each.alg))],
      keys,
    }
  }

  let made: { readonly of: Ring; readonly set: SigningKeySet } | undefined

  async function read(): Promise<SigningKeySet> {
    const of = await ring.read()
    if (made?.of !== of) made = { of, set: keySetOf(of) }
    return made.set
  }
  await read()

  return {
    read,
    maxAge,
    rotate: (context) => ring.rotate(context),
    compromise: (kid, context) => ring.compromise(kid, context),
    maintain: (period) => ring.maintain(period),
  }
}
