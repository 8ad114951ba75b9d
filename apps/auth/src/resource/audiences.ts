import { InvalidTarget, isOpenIdScope } from '@ledgate/oauth'
import type { EventLog } from '../log/index.ts'
import type { ResourceState } from './events.ts'
import type { Names } from './names.ts'
import { readResource } from './resources.ts'

/** Whom an access token is for. */
export interface Audiences {
  /**
   * The `aud` of a token: the `resource` that was asked for (RFC 8707 §2), else the one resource server that owns the
   * granted scopes, else the issuer.
   *
   * @throws {InvalidTarget} when a `resource` is unknown or disabled, or a scope belongs to another one.
   */
  resolve(asked: { readonly scope: readonly string[]; readonly resource: readonly string[] }): Promise<string[]>
}

const OWNER = 'resource '

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

  async function ownersOf(scope: readonly string[]): Promise<Set<string>> {
    const owners = new Set<string>()
    for (const token of scope) {
      const owner = isOpenIdScope(token) ? undefined : await owned('scope', token)
      if (owner !== undefined) owners.add(owner.metadata.resource)
    }
    return owners
  }

  return {
    async resolve({ scope, resource }) {
      const owners = await ownersOf(scope)
      if (resource.length === 0) {
        const [only] = owners
        return owners.size === 1 && only !== undefined ? [only] : [issuer]
      }
      for (const wanted of resource) {
        if (wanted !== issuer && (await owned('resource', wanted)) === undefined)
          throw new InvalidTarget('the resource is unknown')
      }
      for (const owner of owners) {
        if (!resource.includes(owner)) throw new InvalidTarget('a scope belongs to a resource that was not asked for')
      }
      return [...new Set(resource)]
    },
  }
}
