import { randomBytes, randomUUID } from 'node:crypto'

export interface Secret {
  readonly id: string
  readonly secret: string
}

export interface Person {
  readonly email: string
  readonly password: string
}

/** Who exists in a measured server. Everything secret is made anew for each run. */
export interface Bootstrap {
  /** May use client credentials. */
  readonly service: Secret
  /** May use password and refresh tokens. */
  readonly app: Secret
  readonly api: Secret
  readonly people: readonly Person[]
  readonly resource: string
  readonly scope: string
}

const random = (): string => randomBytes(24).toString('base64url')

/** @param users how many; each costs the first start one password hash. */
export function makeBootstrap(people: number): Bootstrap {
  return {
    service: { id: 'bench-service', secret: random() },
    app: { id: 'bench-app', secret: random() },
    api: { id: 'bench-api', secret: random() },
    people: Array.from({ length: people }, () => ({
      email: `person-${randomUUID()}@bench.example`,
      password: random(),
    })),
    resource: 'https://api.bench.example',
    scope: 'bench:read',
  }
}

/** The file that `LEDGATE_BOOTSTRAP` names (design, section 8). */
export function bootstrapFile({ service, app, api, people, resource, scope }: Bootstrap): object {
  const client = ({ id, secret }: Secret, grant_types: readonly string[]): object => ({
    client_id: id,
    client_secret: secret,
    client_name: id,
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types,
    scope,
  })
  return {
    resources: [{ resource, scopes_supported: [scope], client_id: api.id, client_secret: api.secret }],
    clients: [client(service, ['client_credentials']), client(app, ['password', 'refresh_token'])],
    users: people.map(({ email, password }) => ({ email, password, roles: [], entitlements: [] })),
  }
}
