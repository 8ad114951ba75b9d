/** Who is there when a server starts, and every secret of theirs. */
export const ORDERS = 'https://orders.example/'

export const ANN = { email: 'ann@example.com', password: 'a quiet harbour at dawn' }

export const WEB_SECRET = 'web-secret-0f9d2c7b5a'
export const BATCH_SECRET = 'batch-secret-71c5e3a9d2'
export const ORDERS_SECRET = 'orders-secret-b84f6e20cc'

/** Seconds: tokens and grace last as long as a test, so that time is never the reason. */
const LONG = 3600

export const WORLD = {
  resources: [
    {
      client_id: 'orders',
      client_secret: ORDERS_SECRET,
      resource: ORDERS,
      scopes_supported: ['orders:read', 'orders:write'],
    },
  ],
  clients: [
    {
      client_id: 'web',
      client_secret: WEB_SECRET,
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['password', 'refresh_token', 'client_credentials'],
      scope: 'orders:read orders:write',
      access_token_expires_in: LONG,
      redirect_uris: ['https://web.example/callback'],
    },
    {
      client_id: 'batch',
      client_secret: BATCH_SECRET,
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['client_credentials'],
      scope: 'orders:read',
      access_token_expires_in: LONG,
    },
  ],
  users: [{ ...ANN, roles: ['buyer'] }],
}

/** What a client may ask for that users administer with; said here as its users write it. */
export const ADMINISTRATION = [
  ...['users', 'clients', 'resources', 'keys'].flatMap((realm) => [`ledgate:${realm}:read`, `ledgate:${realm}:write`]),
  'ledgate:events:read',
].join(' ')

export const basic = (clientId: string, secret: string): string =>
  `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`

export const WEB = basic('web', WEB_SECRET)
export const BATCH = basic('batch', BATCH_SECRET)
export const ORDERS_API = basic('orders', ORDERS_SECRET)
