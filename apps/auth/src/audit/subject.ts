import type { DomainRecord } from '../log/index.ts'

/**
 * Whom an event is about: a person by `sub`, clients and resource servers by `client_id`; whatever else by the name of
 * its stream. A token or a grant of a person is about the client too.
 */
export function subjectsOf(stream: string, event: DomainRecord | undefined): readonly string[] {
  if (event === undefined) return [stream]
  const { data } = event
  if ('user' in data) return [data.user.sub]
  if ('client' in data) return [data.client.client_id]
  if ('resource' in data) return [data.resource.client_id]
  if ('session' in data) return [data.session.sub]
  if ('grant' in data) return [data.grant.sub, data.grant.client_id]
  if ('operation' in data) return data.about === undefined ? [stream] : [data.about]
  if ('installation' in data) return [stream]
  if ('administrators' in data) return [data.sub]
  if ('sub' in data) return data.sub === data.client_id ? [data.sub] : [data.sub, data.client_id]
  if ('client_id' in data) return [data.client_id]
  if ('owner' in data && 'kind' in data) return [stream, data.owner.replace(/^\w+ /, '')]
  return [stream.replace(/^(login|address|place)-/, '')]
}
