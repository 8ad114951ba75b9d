import { once } from 'node:events'
import { get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createVerifier, type Verifier } from '@ledgate/verifier'
import { type TestClaims, testIssuer, type TestIssuer } from '@ledgate/verifier/testing'
import { onTestFinished } from 'vitest'
import { ordersApi } from '../src/api/api.ts'
import { type Orders, orders } from '../src/api/orders.ts'

export interface Sent {
  readonly token?: string
  readonly body?: string | object
  readonly type?: string
}

export interface Got {
  readonly status: number
  /** The value of `WWW-Authenticate`; `null` when there is none. */
  readonly challenge: string | null
  readonly body: unknown
}

/** A stream that is read as it comes. */
export interface Reader {
  readonly response: IncomingMessage
  /** What has come. */
  text(): string
  /** When this has come. */
  until(text: string): Promise<void>
  /** Everything that came, when it has ended as it should. @throws {Error} when it broke off. */
  readonly ended: Promise<string>
}

export interface Setting {
  readonly issuer: TestIssuer
  /** Orders, and how many follow them. */
  readonly orders: Orders & { followers(): number }
  readonly port: number
  readonly server: Server
  /** A token for somebody who may read and write, with these claims over it. */
  token(claims?: TestClaims): Promise<string>
  send(method: string, path: string, sent?: Sent): Promise<Got>
  /** Follows the orders, reading nothing of them before it is told to. @throws {Error} when it is not let in. */
  open(token: string): Promise<IncomingMessage>
  follow(token: string): Promise<Reader>
  close(): Promise<void>
}

function counted(): Setting['orders'] {
  const inner = orders()
  let followers = 0
  return {
    ...inner,
    follow(listener) {
      followers += 1
      const stop = inner.follow(listener)
      return () => {
        followers -= 1
        stop()
      }
    },
    followers: () => followers,
  }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function reading(response: IncomingMessage): Reader {
  let all = ''
  const ended = once(response.setEncoding('utf8'), 'end').then(() => all)
  ended.catch(() => undefined) // Resolves the waiting reader.
  response.on('data', (part: string) => (all += part))
  return {
    response,
    text: () => all,
    async until(text) {
      while (!all.includes(text)) await once(response, 'data')
    },
    ended,
  }
}

/** The orders API on loopback, which trusts an issuer of the test; thrown away with the test. */
export async function setting({ isStarted = true, change = (verifier: Verifier) => verifier } = {}): Promise<
  Setting & { readonly verifier: Verifier }
> {
  const issuer = await testIssuer({ audience: 'https://orders.example/' })
  const verifier = createVerifier(issuer.verifierOptions({ clockToleranceSeconds: 0 }))
  const all = counted()
  const app = ordersApi(change(verifier), all)
  onTestFinished(async () => {
    await app.close()
    await verifier.close()
  })
  if (isStarted) await verifier.start()
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo

  async function open(token: string): Promise<IncomingMessage> {
    const headers = { authorization: `Bearer ${token}` }
    const request = get({ host: '127.0.0.1', port, path: '/orders/stream', headers, agent: false })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    onTestFinished(() => void response.destroy())
    if (response.statusCode !== 200) throw new Error(`the stream was answered with ${response.statusCode}`)
    return response
  }

  return {
    issuer,
    verifier,
    orders: all,
    port,
    server: app.server,
    token: (claims) => issuer.token({ scope: 'orders:read orders:write', ...claims }),
    async send(method, path, { token, body, type = 'application/json' } = {}) {
      const headers = {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': type }),
      }
      const sent = typeof body === 'string' ? body : JSON.stringify(body)
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers,
        ...(sent !== undefined && { body: sent }),
      })
      return {
        status: answer.status,
        challenge: answer.headers.get('www-authenticate'),
        body: parsed(await answer.text()),
      }
    },
    open,
    follow: async (token) => reading(await open(token)),
    close: () => app.close(),
  }
}
