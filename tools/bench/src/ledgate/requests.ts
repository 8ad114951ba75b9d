import type { Workload } from '../load/job.ts'
import { basic, formRequest } from '../load/request.ts'
import type { Bootstrap, Person } from './bootstrap.ts'

const TOKEN = '/oauth2/token'

export function clientCredentials(port: number, { service, scope }: Bootstrap): string {
  return formRequest({ port, path: TOKEN, authorization: basic(service) }, { grant_type: 'client_credentials', scope })
}

export function passwordGrant(port: number, { app, scope }: Bootstrap, { email, password }: Person): string {
  const target = { port, path: TOKEN, authorization: basic(app) }
  return formRequest(target, { grant_type: 'password', username: email, password, scope })
}

/** Every person signs in in turn. */
export function passwords(port: number, bootstrap: Bootstrap): Workload {
  const requests = bootstrap.people.map((person) => passwordGrant(port, bootstrap, person))
  return { kind: 'repeat', requests, expect: 200 }
}

export function services(port: number, bootstrap: Bootstrap): Workload {
  return { kind: 'repeat', requests: [clientCredentials(port, bootstrap)], expect: 200 }
}

/** The resource server asks about one token again and again. */
export function introspections(port: number, { api }: Bootstrap, token: string): Workload {
  const target = { port, path: '/oauth2/introspect', authorization: basic(api) }
  return { kind: 'repeat', requests: [formRequest(target, { token })], expect: 200 }
}

/** Each connection opens a grant of its own by password and renews it. */
export function refreshes(port: number, bootstrap: Bootstrap): Workload {
  const open = bootstrap.people.map((person) => passwordGrant(port, bootstrap, person))
  return { kind: 'refresh', open, path: TOKEN, authorization: basic(bootstrap.app) }
}
