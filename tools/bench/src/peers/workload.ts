import type { Workload } from '../load/job.ts'
import type { Bootstrap } from '../ledgate/bootstrap.ts'
import { basic, formRequest, getRequest } from '../load/request.ts'

/** A token request like a real client's, for a peer that checks no one. */
export function tokenRequests(port: number): Workload {
  const form = { grant_type: 'client_credentials', scope: 'bench:read' }
  const authorization = basic({ id: 'bench-service', secret: 'a-secret-of-32-characters-abcdef' })
  return { kind: 'repeat', requests: [formRequest({ port, path: '/oauth2/token', authorization }, form)], expect: 200 }
}

export function bareRequests(port: number): Workload {
  return { kind: 'repeat', requests: [getRequest({ port, path: '/' })], expect: 200 }
}

/** What `oidc-provider` calls its token endpoint. */
export function oidcRequests(port: number, { service, scope }: Bootstrap): Workload {
  const target = { port, path: '/token', authorization: basic(service) }
  return { kind: 'repeat', requests: [formRequest(target, { grant_type: 'client_credentials', scope })], expect: 200 }
}
