import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InjectOptions } from 'fastify'
import { compose } from '../../src/compose.ts'
import { readConfig } from '../../src/config/index.ts'
import { createLogger } from '../../src/http/index.ts'
import { socketPath } from '../../src/admin/vocabulary/index.ts'

export const ISSUER = 'http://127.0.0.1:4040'
export const ORDERS = 'https://orders.example/'
export const STOCK = 'https://stock.example/'
export const ANN = { email: 'ann@example.com', password: 'a quiet harbour at dawn' }

const grants = ['password', 'refresh_token', 'client_credentials']

/** Who is there from the start in every test over HTTP. */
export const BOOTSTRAP = {
  resources: [
    {
      client_id: 'orders',
      client_secret: 'orders-secret',
      resource: ORDERS,
      scopes_supported: ['orders:read', 'orders:write'],
    },
    { client_id: 'stock', client_secret: 'stock-secret', resource: STOCK, scopes_supported: ['stock:read'] },
  ],
  clients: [
    {
      client_id: 'web',
      client_secret: 'web: secret+%',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: grants,
      scope: 'orders:read orders:write stock:read plain',
    },
    {
      client_id: 'posting',
      client_secret: 'posting-secret',
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: grants,
      scope: 'orders:read',
    },
    {
      client_id: 'page',
      token_endpoint_auth_method: 'none',
      grant_types: ['password', 'refresh_token'],
      scope: 'orders:read',
    },
    {
      client_id: 'batch',
      client_secret: 'batch-secret',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['client_credentials'],
      scope: 'plain',
      access_token_expires_in: 7200,
    },
  ],
  users: [{ ...ANN, roles: ['buyer'], entitlements: ['discount'] }],
}

/** `Authorization: Basic`, its parts encoded as RFC 6749 §2.3.1 says. */
export const basic = (clientId: string, secret: string): string => {
  const part = (text: string) => new URLSearchParams({ x: text }).toString().slice(2)
  return `Basic ${Buffer.from(`${part(clientId)}:${part(secret)}`).toString('base64')}`
}

export const WEB = basic('web', 'web: secret+%')
export const POSTING = { client_id: 'posting', client_secret: 'posting-secret' }
export const BATCH = basic('batch', 'batch-secret')
export const ORDERS_API = basic('orders', 'orders-secret')
export const STOCK_API = basic('stock', 'stock-secret')

export const CONSOLE = basic('console', 'console-secret-of-tests')

/** Those of `BOOTSTRAP`, an administrator, and the client by which they administer. */
export const administered = (
  root: { readonly email: string; readonly password: string },
  scope: readonly string[],
) => ({
  ...BOOTSTRAP,
  clients: [
    ...BOOTSTRAP.clients,
    {
      client_id: 'console',
      client_secret: 'console-secret-of-tests',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['password', 'refresh_token'],
      scope: scope.join(' '),
    },
  ],
  users: [...BOOTSTRAP.users, { ...root, roles: ['ledgate:admin'] }],
})

export type Form = Readonly<Record<string, string>> | readonly (readonly [string, string])[]

/** An answer: its JSON, or what there is instead. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Readonly<Record<string, unknown>>
  readonly text: string
}

const jsonOf = (text: string): Record<string, unknown> => {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** A whole server in this process, over its own folder. */
export async function openService(bootstrap: object = BOOTSTRAP, environment: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-http-'))
  const file = join(folder, 'bootstrap.json')
  writeFileSync(file, JSON.stringify(bootstrap))
  const config = readConfig({
    LEDGATE_ISSUER: ISSUER,
    LEDGATE_DATA_DIR: join(folder, 'data'),
    LEDGATE_BOOTSTRAP: file,
    LEDGATE_RATE_LIMITS: 'off',
    LEDGATE_LOG_LEVEL: 'silent',
    ...environment,
  })
  const start = () => compose(config, createLogger({ level: config.logLevel }))
  let ledgate = await start()

  async function send(request: InjectOptions): Promise<Answer> {
    const { statusCode, headers, payload } = await ledgate.app.inject(request)
    return { status: statusCode, headers, body: jsonOf(payload), text: payload }
  }

  const form = (url: string, fields: Form, authorization?: string): Promise<Answer> =>
    send({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...(authorization && { authorization }) },
      payload: new URLSearchParams(fields as Record<string, string>).toString(),
    })

  const token = (fields: Form, authorization?: string) => form('/oauth2/token', fields, authorization)

  return {
    config,
    setupToken: ledgate.setupToken,
    /** Where it listens, once it does. */
    listen: (port = 0) => ledgate.app.listen({ host: '127.0.0.1', port }),
    /** Cuts off whoever is connected. */
    breakConnections: () => ledgate.app.server.closeAllConnections(),
    /** What an operator of this machine does. */
    operate: (command: string, input: object): Promise<number> =>
      new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/json' }
        const options = { socketPath: socketPath(config.dataDir), method: 'POST', path: '/', headers }
        const call = httpRequest(options, (answer) => resolve(answer.resume().statusCode ?? 0))
        call.on('error', reject)
        call.end(JSON.stringify({ command, input, operator: 'tester' }))
      }),
    /** Stops it; `again` starts it over what it left. */
    async stop() {
      await ledgate.close()
      return {
        async again() {
          ledgate = await start()
        },
      }
    },
    send,
    form,
    token,
    get: (url: string) => send({ method: 'GET', url }),
    json: (url: string, body: object) => send({ method: 'POST', url, payload: body }),
    signIn: (fields: Readonly<Record<string, string>> = {}, authorization: string | undefined = WEB) =>
      token({ grant_type: 'password', username: ANN.email, password: ANN.password, ...fields }, authorization),
    refresh: (refreshToken: string, fields: Readonly<Record<string, string>> = {}, authorization = WEB) =>
      token({ grant_type: 'refresh_token', refresh_token: refreshToken, ...fields }, authorization),
    introspect: async (text: string, authorization = ORDERS_API) =>
      (await form('/oauth2/introspect', { token: text }, authorization)).body,
    revoke: (text: string, authorization = WEB) => form('/oauth2/revoke', { token: text }, authorization),
    async close() {
      await ledgate.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export type Service = Awaited<ReturnType<typeof openService>>

/** A new `refresh_attempt`. */
export const newAttempt = (): string => randomUUID()
