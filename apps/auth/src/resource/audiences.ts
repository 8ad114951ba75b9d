import {
  type EncryptionAlg,
  type EncryptionEnc,
  encryptionKey,
  InvalidTarget,
  isOpenIdScope,
  isSameResource,
  spellingsOf,
} from '@ledgate/oauth'
import { flawOf } from '../credential/index.ts'
import { createBoundedCache, bytesOfText } from '../limit/index.ts'
import type { EventLog } from '../log/index.ts'
import type { ResourceState } from './events.ts'
import type { Names } from '../name/index.ts'
import { readResource } from './resources.ts'

/** How a token is encrypted for the one resource server that reads it. */
export interface Encryption {
  readonly alg: EncryptionAlg
  readonly enc: EncryptionEnc
  /** Its public key, RFC 7517 §4. */
  readonly jwk: object
}

/** Whom a token is for, and whether no one else may read it. */
export interface Audience {
  readonly aud: readonly string[]
  readonly encryption: Encryption | undefined
}

/** Whom an access token is for. What is no longer there is refused: it never becomes a token that more may read. */
export interface Audiences {
  /**
   * The `aud` of a token: the `resource` that was asked for (RFC 8707 §2), in the spelling that it was registered with, else the
   * one resource server that owns the granted scopes, else the issuer.
   *
   * @throws {InvalidTarget} when a `resource` is unknown or disabled, a scope belongs to another one, the owner of a scope wants
   *   encryption and is disabled, or one of several wants it: a token has one reader then.
   */
  resolve(asked: { readonly scope: readonly string[]; readonly resource: readonly string[] }): Promise<Audience>
  /**
   * What a token of a grant that was given for these is now.
   *
   * @throws {InvalidTarget} when one of them is disabled or unknown by now, or cannot be encrypted for as it asks.
   */
  granted(aud: readonly string[]): Promise<Audience>
}

const OWNER = 'resource '

const DEFAULT_ENC: EncryptionEnc = 'A256GCM'

/** Bytes of the scopes and resource identifiers that are remembered. */
const REMEMBERED = 2 * 1024 * 1024

/**
 * How tokens for a resource server are encrypted, if it asks for that.
 *
 * @throws {InvalidTarget} when it asks for what cannot be done: a token that all may read is not the answer.
 */
function encryptionOf({ metadata }: ResourceState): Encryption | undefined {
  const { access_token_encrypted_response_alg: alg, access_token_encrypted_response_enc: enc } = metadata
  if (alg === undefined && enc === undefined) return undefined
  const jwk = encryptionKey(metadata)
  if (alg === undefined || jwk === undefined) throw new InvalidTarget('the resource server has no encryption key')
  const flaw = flawOf({ ...jwk, kid: undefined }) // by an older version, which took keys that hide nothing
  if (flaw !== undefined) throw new InvalidTarget(`the encryption key of the resource server ${flaw}`)
  return { alg, enc: enc ?? DEFAULT_ENC, jwk }
}

/** @throws {InvalidTarget} */
function audienceOf(aud: readonly string[], resources: readonly ResourceState[]): Audience {
  const wanted = resources.map(encryptionOf).filter((encryption) => encryption !== undefined)
  if (wanted.length > 0 && aud.length > 1) throw new InvalidTarget('an encrypted token can be for one resource only')
  return { aud, encryption: wanted[0] }
}

/** A resource server names nothing that it did not reserve before, and nothing is given back while it is named. */
const isNamedBy = ({ metadata }: ResourceState, kind: 'scope' | 'resource', name: string): boolean =>
  kind === 'scope' ? metadata.scopes_supported.includes(name) : isSameResource(metadata.resource, name)

/** Audiences over the log: what decides is read at each request. */
export function openAudiences(log: EventLog, names: Names, issuer: string): Audiences {
  /** Who owned a name when it was last asked for. Where to look, not what is so: the resource server itself says that. */
  const hints = createBoundedCache<string>({ maxBytes: REMEMBERED, bytesOf: bytesOfText })

  async function named(clientId: string | undefined, kind: 'scope' | 'resource', name: string) {
    const state = clientId === undefined ? undefined : (await readResource(log, clientId))?.state
    return state !== undefined && isNamedBy(state, kind, name) ? state : undefined
  }

  /** The resource server that a name belongs to, also one that is disabled. */
  async function owned(kind: 'scope' | 'resource', name: string): Promise<ResourceState | undefined> {
    const key = `${kind} ${name}`
    const hinted = await named(hints.get(key), kind, name)
    if (hinted !== undefined) return hinted
    for (const spelling of kind === 'resource' ? spellingsOf(name) : [name]) {
      const owner = await names.owner(kind, spelling)
      const clientId = owner?.startsWith(OWNER) ? owner.slice(OWNER.length) : undefined
      const state = await named(clientId, kind, name)
      if (clientId === undefined || state === undefined) continue
      hints.set(key, clientId)
      return state
    }
    return undefined
  }

  /** The resource server of an identifier, or the issuer itself. @throws {InvalidTarget} when it is neither, or disabled. */
  async function target(resource: string): Promise<ResourceState | 'issuer'> {
    if (resource === issuer) return 'issuer'
    const state = await owned('resource', resource)
    if (state === undefined && isSameResource(resource, issuer)) return 'issuer'
    if (state === undefined || state.disabled) throw new InvalidTarget('the resource is unknown')
    return state
  }

  /**
   * Who owns these scopes, by identifier. One that is disabled owns none; yet where it wants its tokens encrypted, nothing in the
   * clear takes their place.
   *
   * @throws {InvalidTarget}
   */
  async function ownersOf(scope: readonly string[]): Promise<ReadonlyMap<string, ResourceState>> {
    const owners = new Map<string, ResourceState>()
    for (const token of scope) {
      const owner = isOpenIdScope(token) ? undefined : await owned('scope', token)
      if (owner?.disabled && encryptionOf(owner) !== undefined)
        throw new InvalidTarget('the owner of a scope is disabled')
      if (owner !== undefined && !owner.disabled) owners.set(owner.metadata.resource, owner)
    }
    return owners
  }

  async function granted(aud: readonly string[]): Promise<Audience> {
    const targets = await Promise.all(aud.map(target))
    const spelled = targets.map((each) => (each === 'issuer' ? issuer : each.metadata.resource))
    return audienceOf(
      [...new Set(spelled)],
      targets.filter((each) => each !== 'issuer'),
    )
  }

  return {
    granted,

    async resolve({ scope, resource }) {
      const owners = await ownersOf(scope)
      if (resource.length === 0) {
        const [only] = owners.values()
        if (owners.size !== 1 || only === undefined) return { aud: [issuer], encryption: undefined }
        return audienceOf([only.metadata.resource], [only])
      }
      const audience = await granted(resource)
      for (const owner of owners.keys()) {
        if (!audience.aud.includes(owner))
          throw new InvalidTarget('a scope belongs to a resource that was not asked for')
      }
      return audience
    },
  }
}
