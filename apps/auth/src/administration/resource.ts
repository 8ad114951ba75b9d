import type { CommandContext, EventLog } from '../log/index.ts'
import { readResource, type Resources } from '../resource/index.ts'
import { ADMINISTRATION_SCOPES, audienceOf } from './operations.ts'

/** The administration is a resource server among others: its scopes are asked for and granted like any. */
const CLIENT_ID = 'ledgate-administration'

export interface AdministrationResourceDependencies {
  readonly log: EventLog
  readonly resources: Pick<Resources, 'register' | 'update'>
  readonly issuer: string
  context(): CommandContext
}

const sameMembers = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((each) => other.includes(each))

/** Registers the administration at the first start, and again what has changed since: the issuer, or its scopes. */
export async function registerAdministration(dependencies: AdministrationResourceDependencies): Promise<void> {
  const { log, resources, issuer, context } = dependencies
  const metadata = { resource: audienceOf(issuer), scopes_supported: [...ADMINISTRATION_SCOPES] }
  const isDone = async (): Promise<boolean | undefined> => {
    const found = await readResource(log, CLIENT_ID)
    if (found === undefined) return undefined
    const { resource, scopes_supported } = found.state.metadata
    return resource === metadata.resource && sameMembers(scopes_supported, metadata.scopes_supported)
  }
  const done = await isDone()
  if (done) return
  try {
    if (done === undefined) await resources.register({ client_id: CLIENT_ID, metadata }, context())
    else await resources.update(CLIENT_ID, metadata, context())
  } catch (error) {
    if (!(await isDone())) throw error // else another replica that starts was faster
  }
}
