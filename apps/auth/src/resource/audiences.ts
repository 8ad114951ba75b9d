import { type EncryptionAlg, type EncryptionEnc, encryptionKey, InvalidTarget, isOpenIdScope } from '@ledgate/oauth'
import type { EventLog } from '../log/index.ts'
import type { ResourceState } from './events.ts'
import type { Names } from './names.ts'
import { readResource } from './resources.ts'

/** How a token is encrypted for the one resource server that reads it. */
export interface Encryption {
  readonly alg: EncryptionAlg
  readonly enc: EncryptionEnc
  /** Its public key, RFC 7517 §4. */
  readonly jwk: object
}

/** Whom a token is for, and whether nobody else may read it. */
export interface Audience {
  readonly aud: readonly string[]
  readonly encryption: Encryption | undefined
}

/** Whom an access token is for. */
export interface Audiences {
  /**
   * The `aud` of a token: the `resource` that was asked for (RFC 8707 §2), else the one resource server that owns the
   * granted scopes, else the issuer.
   *
   * @throws {InvalidTarget} when a `resource` is unknown or disabled, a scope belongs to another one, or one of several
   *   wants its tokens encrypted: a token has one reader then.
   */
  resolve(asked: { readonly scope: readonly string[]; readonly resource: readonly string[] }): Promise<Audience>
  /** How a token for these is encrypted, as they say now. @throws {InvalidTarget} */
  encryptionFor(aud: readonly string[]): Promise<Encryption | undefined>
}

const OWNER = 'resource '

const DEFAULT_ENC: EncryptionEnc = 'A256GCM'

/** So many scopes and resource identifiers are remembered; then the memory starts anew. */
const REMEMBERED = 10_000

/** Audiences over the log: what decides is read at each request. */
export function audiences(log: EventLog, names: Names, issuer: string): Audiences {
  /** Who owned a name when it was last asked for. Where to look, not what is so: the resource server itself says that. */
  const hints = new Map<string, string>()

  async function enabled(clientId: string): Promise<ResourceState | undefined> {
    const found = await readResource(log, clientId)
    return found === undefined || found.state.disabled ? undefined : found.state
  }

  /** A resource server names nothing that it did not reserve before, and nothing is given back while it is named. */
  const isNamedBy = (state: ResourceState, kind: 'scope' | 'resource', name: string): boolean =>
    kind === 'scope' ? state.metadata.scopes_supported.includes(name) : state.metadata.resource === name

  async function owned(kind: 'scope' | 'resource', name: string): Promise<ResourceState | undefined> {
    const key = `${kind} ${name}`
    const hint = hints.get(key)
    const hinted = hint === undefined ? undefined : await enabled(hint)
    if (hinted !== undefined && isNamedBy(hinted, kind, name)) return hinted
    const owner = await names.owner(kind, name)
    if (owner === undefined || !owner.startsWith(OWNER)) return undefined
    const clientId = owner.slice(OWNER.length)
    if (hints.size >= REMEMBERED) hints.clear()
    hints.set(key, clientId)
    const found = await enabled(clientId)
    return found !== undefined && isNamedBy(found, kind, name) ? found : undefined
  }

  async function ownersOf(scope: readonly string[]): Promise<Map<string, ResourceState>> {
    const owners = new Map<string, ResourceState>()
    for (const token of scope) {
      const owner = isOpenIdScope(token) ? undefined : await owned('scope', token)
      if (owner !== undefined) owners.set(owner.metadata.resource, owner)
    }
    return owners
  }

  function encryptionOf(resources: readonly ResourceState[], audiences: number): Encryption | undefined {
    for (const { metadata } of resources) {
      const { access_token_encrypted_response_alg: alg, access_token_encrypted_response_enc: enc = DEFAULT_ENC } =
        metadata
      const jwk = encryptionKey(metadata)
      if (alg === undefined || jwk === undefined) continue
      if (audiences > 1) throw new InvalidTarget('an encrypted token is for one resource')
      return { alg, enc, jwk }
    }
    return undefined
  }

  async function encryptionFor(aud: readonly string[]): Promise<Encryption | undefined> {
    const states = await Promise.all(aud.map((each) => (each === issuer ? undefined : owned('resource', each))))
    return encryptionOf(
      states.filter((state) => state !== undefined),
      aud.length,
    )
  }

  return {
    encryptionFor,

    async resolve({ scope, resource }) {
      const owners = await ownersOf(scope)
      if (resource.length === 0) {
        const [only] = owners.values()
        if (owners.size !== 1 || only === undefined) return { aud: [issuer], encryption: undefined }
        return { aud: [only.metadata.resource], encryption: encryptionOf([only], 1) }
      }
      for (const wanted of resource) {
        if (wanted !== issuer && (await owned('resource', wanted)) === undefined)
          throw new InvalidTarget('the resource is unknown')
      }
      for (const owner of owners.keys()) {
        if (!resource.includes(owner)) throw new InvalidTarget('a scope belongs to a resource that was not asked for')
      }
      const aud = [...new Set(resource)]
      return { aud, encryption: await encryptionFor(aud) }
    },
  }
}
