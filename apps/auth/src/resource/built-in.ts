import type { ResourceMetadata } from '@ledgate/oauth'
import type { CommandContext, EventLog } from '../log/index.ts'
import { readResource, type Resources } from './resources.ts'

/** A part of Ledgate that takes access tokens: a resource server among others, whose scopes are granted like any. */
export interface BuiltIn {
  readonly clientId: string
  readonly metadata: ResourceMetadata
}

export interface BuiltInDependencies {
  readonly log: EventLog
  readonly resources: Pick<Resources, 'register' | 'update'>
  context(): CommandContext
}

const sameMembers = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((each) => other.includes(each))

/** Registers it at the first start, and again what has changed since: the issuer, or its scopes. */
export async function registerBuiltIn(
  { log, resources, context }: BuiltInDependencies,
  { clientId, metadata }: BuiltIn,
): Promise<void> {
  const isDone = async (): Promise<boolean | undefined> => {
    const found = await readResource(log, clientId)
    if (found === undefined) return undefined
    const { resource, scopes_supported: scopes } = found.state.metadata
    return resource === metadata.resource && sameMembers(scopes, metadata.scopes_supported)
  }
  const done = await isDone()
  if (done) return
  try {
    if (done === undefined) await resources.register({ client_id: clientId, metadata }, context())
    else await resources.update(clientId, metadata, context())
  } catch (error) {
    if (!(await isDone())) throw error // else another replica that starts was faster
  }
}
