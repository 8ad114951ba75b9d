import type { AnyRecord } from '../log/index.ts'

/** What the data of an event may name. */
interface Named {
  readonly user?: { readonly sub: string }
  readonly client?: { readonly client_id: string }
  readonly resource?: { readonly client_id: string }
  readonly session?: { readonly sub: string }
  readonly grant?: { readonly sub: string; readonly client_id: string }
  readonly operation?: string
  readonly about?: string
  readonly installation?: object
  readonly administrators?: object
  readonly sub?: string
  readonly client_id?: string
  readonly owner?: string
  readonly kind?: string
}

/**
 * Whom an event is about: a user by `sub`, clients and resource servers by `client_id`; whatever else by the name of
 * its stream. A token or a grant of a user is about the client too.
 */
export function subjectsOf(stream: string, event: AnyRecord | undefined): readonly string[] {
  if (event === undefined) return [stream]
  const data = event.data as Named
  if (data.user) return [data.user.sub]
  if (data.client) return [data.client.client_id]
  if (data.resource) return [data.resource.client_id]
  if (data.session) return [data.session.sub]
  if (data.grant) return [data.grant.sub, data.grant.client_id]
  if (data.operation !== undefined) return [data.about ?? stream]
  if (data.installation) return [stream]
  if (data.sub !== undefined && (data.administrators || data.client_id === undefined || data.sub === data.client_id))
    return [data.sub]
  if (data.sub !== undefined && data.client_id !== undefined) return [data.sub, data.client_id]
  if (data.client_id !== undefined) return [data.client_id]
  if (data.owner !== undefined && data.kind !== undefined) return [stream, data.owner.replace(/^\w+ /, '')]
  return [stream.replace(/^(login|address|place)-/, '')]
}
