/** What may be administered by a token with this scope. */
export type Realm = 'users' | 'clients' | 'resources' | 'keys' | 'events'

/** An operation of the administration as it is spoken over HTTP; what it does is the command of the same words. */
export interface Operation {
  /** As the command line says it. */
  readonly command: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** A template of Fastify; the names of its parameters are those of the command. */
  readonly path: string
  readonly summary: string
  /** `201` where something is made. */
  readonly status?: 201
  /** The body is client metadata as in RFC 7591 §2, beside a `client_id`: the command takes it as `metadata`. */
  readonly isMetadata?: true
}

const REALMS: readonly Realm[] = ['users', 'clients', 'resources', 'keys', 'events']

const ofApplications = (noun: 'clients' | 'resources', what: string): readonly Operation[] => [
  { command: `${noun} list`, method: 'GET', path: `/admin/${noun}`, summary: `List ${what}s` },
  {
    command: `${noun} create`,
    method: 'POST',
    path: `/admin/${noun}`,
    summary: `Register a ${what}; its secret is shown once`,
    status: 201,
    isMetadata: true,
  },
  { command: `${noun} show`, method: 'GET', path: `/admin/${noun}/:client_id`, summary: `Show a ${what}` },
  {
    command: `${noun} update`,
    method: 'PUT',
    path: `/admin/${noun}/:client_id`,
    summary: `Replace all metadata of a ${what} (RFC 7592 §2.2)`,
    isMetadata: true,
  },
  {
    command: `${noun} disable`,
    method: 'POST',
    path: `/admin/${noun}/:client_id/disable`,
    summary: `Disable a ${what}`,
  },
  { command: `${noun} enable`, method: 'POST', path: `/admin/${noun}/:client_id/enable`, summary: `Enable a ${what}` },
  {
    command: `${noun} add-secret`,
    method: 'POST',
    path: `/admin/${noun}/:client_id/secrets`,
    summary: 'Add a second secret; it is shown once',
    status: 201,
  },
  {
    command: `${noun} revoke-secret`,
    method: 'DELETE',
    path: `/admin/${noun}/:client_id/secrets/:secret_id`,
    summary: 'Revoke a secret',
  },
]

/** Everything an administrator can do over HTTP. */
export const OPERATIONS: readonly Operation[] = [
  { command: 'users list', method: 'GET', path: '/admin/users', summary: 'List users with a confirmed address' },
  {
    command: 'users find',
    method: 'POST',
    path: '/admin/users/find',
    summary: 'Find a user by email address, which is in the body, not in the URL',
  },
  {
    command: 'users create',
    method: 'POST',
    path: '/admin/users',
    summary: 'Create a user whose address counts as confirmed',
    status: 201,
  },
  { command: 'users show', method: 'GET', path: '/admin/users/:sub', summary: 'Show a user' },
  {
    command: 'users disable',
    method: 'POST',
    path: '/admin/users/:sub/disable',
    summary: 'Disable a user: prevent sign-in and revoke all sessions, grants and tokens',
  },
  { command: 'users enable', method: 'POST', path: '/admin/users/:sub/enable', summary: 'Enable a user' },
  {
    command: 'users roles',
    method: 'PUT',
    path: '/admin/users/:sub/roles',
    summary: 'Replace roles and entitlements; taking any away revokes all sessions, grants and tokens',
  },
  {
    command: 'users erase',
    method: 'DELETE',
    path: '/admin/users/:sub',
    summary: 'Erase a user: their data becomes unreadable for good, in the log and in every copy of it',
  },
  {
    command: 'users reset-password',
    method: 'POST',
    path: '/admin/users/:sub/reset-password',
    summary: 'Remove the password, revoke all tokens and email a link to set a new password',
  },
  {
    command: 'users end-sessions',
    method: 'DELETE',
    path: '/admin/users/:sub/sessions',
    summary: 'Revoke all sessions, grants and tokens of a user',
  },
  ...ofApplications('clients', 'client'),
  ...ofApplications('resources', 'resource server'),
  { command: 'keys list', method: 'GET', path: '/admin/keys', summary: 'List signing, feed and derivation keys' },
  {
    command: 'keys rotate',
    method: 'POST',
    path: '/admin/keys/:use/rotate',
    summary: 'Activate the standby key',
  },
  {
    command: 'keys compromise',
    method: 'POST',
    path: '/admin/keys/:use/:kid/compromise',
    summary: 'Destroy a leaked key; everything it signed or derived is invalid at once',
  },
  { command: 'events', method: 'GET', path: '/admin/events', summary: 'List events, oldest first' },
]

/** What is not done over HTTP: only an operator of the machine may. */
const LOCAL: Readonly<Record<string, string>> = {
  'tokens end-all': 'Revoke every grant and token: after a database was restored, or in an emergency',
  'vault pending': 'List erased keys that EventStoreDB keeps in its files until its next scavenge',
  'vault rewrap': 'Reload the master keys and rewrap the vault with the first of them, while the server runs',
  backup: 'Copy log and vault into a new folder while the server runs; the master key is not included',
  restore: 'Restore a backup into an empty data folder; the server must be stopped; every earlier token is revoked',
  'eventstoredb-user':
    'Create the user of LEDGATE_EVENTSTOREDB_URL, as the administrator of LEDGATE_EVENTSTOREDB_ADMIN_URL; can be repeated',
}

/** What each command does, in the words of API and command line. */
export const SUMMARIES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(OPERATIONS.map(({ command, summary }) => [command, summary])),
  ...LOCAL,
}

/** `ledgate:users:read`, `ledgate:users:write`: the scope that an operation needs. */
export function scopeOf({ command, method }: Operation): string {
  const [realm = ''] = command.split(' ')
  const isReading = method === 'GET' || command === 'users find'
  return `ledgate:${realm}:${isReading ? 'read' : 'write'}`
}

/** Every scope of the administration. */
export const ADMINISTRATION_SCOPES: readonly string[] = REALMS.flatMap((realm) =>
  realm === 'events' ? [`ledgate:${realm}:read`] : [`ledgate:${realm}:read`, `ledgate:${realm}:write`],
)

/** The `resource` (RFC 8707) that tokens for the administration are for. */
export const audienceOf = (issuer: string): string => `${issuer}/admin`
