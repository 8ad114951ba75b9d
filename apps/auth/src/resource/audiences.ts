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

/** Audiences over the log: who owns a scope is read at each request. */
export function audiences(log: EventLog, names: Names, issuer: string): Audiences {
  async function owned(kind: 'scope' | 'resource', name: string): Promise<ResourceState | undefined> {
    const owner = await names.owner(kind, name)
    if (owner === undefined || !owner.startsWith(OWNER)) return undefined
    const found = await readResource(log, owner.slice(OWNER.length))
    return found === undefined || found.state.disabled ? undefined : found.state
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
