import type { Scope, TokenFacts } from '@ledgate/revocation'

/** The scopes in which a revocation names a part of the tokens; one of scope `issuer` concerns all. */
export type NamedScope = Exclude<Scope, 'issuer'>

interface Named {
  readonly facts: TokenFacts
}

/** Things by the names by which a notice can revoke them. */
export interface WatchedNames<Thing extends Named> {
  add(thing: Thing): void
  remove(thing: Thing): void
  /** All that a revocation of this scope and id may concern. */
  named(scope: NamedScope, id: string): readonly Thing[]
}

type Name = 'client' | 'user' | 'jti' | 'key' | 'session' | 'grant'

const NAMES: readonly Name[] = ['client', 'user', 'jti', 'key', 'session', 'grant']

function idOf(name: Name, { client_id: clientId, sub, jti, kid, sid, gid }: TokenFacts): string | undefined {
  switch (name) {
    case 'client':
      return clientId
    case 'user':
      return sub
    case 'jti':
      return jti
    case 'key':
      return kid
    case 'session':
      return sid
    case 'grant':
      return gid
  }
}

const nameOf = (scope: NamedScope): Name => (scope === 'online_session' ? 'session' : scope)

/** Most names belong to one token: it is stored without a set. */
type Group<Thing> = Thing | Set<Thing>

const membersOf = <Thing extends Named>(group: Group<Thing> | undefined): readonly Thing[] =>
  group === undefined ? [] : group instanceof Set ? [...group] : [group]

/** An empty collection. */
export function watchedNames<Thing extends Named>(): WatchedNames<Thing> {
  const groups = new Map(NAMES.map((name) => [name, new Map<string, Group<Thing>>()]))

  const addTo = (ids: Map<string, Group<Thing>>, id: string, thing: Thing): void => {
    const group = ids.get(id)
    if (group === undefined) ids.set(id, thing)
    else if (group instanceof Set) group.add(thing)
    else ids.set(id, new Set([group, thing]))
  }

  const removeFrom = (ids: Map<string, Group<Thing>>, id: string, thing: Thing): void => {
    const group = ids.get(id)
    if (group instanceof Set) group.delete(thing)
    if (group === thing || (group instanceof Set && group.size === 0)) ids.delete(id)
  }

  const eachName = ({ facts }: Thing, visit: (ids: Map<string, Group<Thing>>, id: string) => void): void => {
    for (const [name, ids] of groups) {
      const id = idOf(name, facts)
      if (id !== undefined) visit(ids, id)
    }
  }

  return {
    add: (thing) => eachName(thing, (ids, id) => addTo(ids, id, thing)),
    remove: (thing) => eachName(thing, (ids, id) => removeFrom(ids, id, thing)),
    named: (scope, id) => membersOf(groups.get(nameOf(scope))?.get(id)),
  }
}
