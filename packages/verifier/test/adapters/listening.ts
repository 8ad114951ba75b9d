import { once } from 'node:events'
import { createServer, request as send, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server on loopback. */
export interface Listening {
  readonly port: number
  close(): Promise<void>
}

export async function listening(server: Server): Promise<Listening> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export const serving = (listener: RequestListener): Promise<Listening> => listening(createServer(listener))

export interface Sent {
  readonly method?: string
  readonly path: string
  /** Pairs, so that a header may come twice. */
  readonly headers?: readonly (readonly [string, string])[]
  readonly body?: string
}

/** What of an answer must be the same from everywhere. */
export interface Got {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const COMPARED = ['content-type', 'cache-control', 'www-authenticate', 'retry-after', 'dpop-nonce']

/** Sends a request as it is: unlike `fetch`, header lines are not joined. */
export async function exchange(port: number, { method = 'GET', path, headers = [], body }: Sent): Promise<Got> {
  const request = send({ port, host: '127.0.0.1', method, path, agent: false })
  const names = [...new Set(headers.map(([name]) => name))]
  for (const name of names)
    request.setHeader(
      name,
      headers.filter(([other]) => other === name).map(([, value]) => value),
    )
  request.end(body)
  const [response] = await once(request, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const compared = COMPARED.flatMap((name) => (name in response.headers ? [[name, response.headers[name]]] : []))
  return {
    status: response.statusCode,
    headers: Object.fromEntries(compared),
    body: Buffer.concat(chunks).toString(),
  }
}
