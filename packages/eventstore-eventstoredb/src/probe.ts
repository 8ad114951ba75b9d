import { connect as connectPlain, isIP } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { readFileSync } from 'node:fs'
import type { Cause } from './cause.ts'

export interface Probed {
  /** `host:port`. */
  readonly host: string
  readonly isTls: boolean
  /** The content of a PEM file. */
  readonly caFile: string | undefined
  readonly timeoutMs: number
}

/** Whether a socket connects within the time. */
function isConnected(socket: ReturnType<typeof connectPlain>, event: string, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (isThere: boolean): void => {
      socket.destroy()
      resolve(isThere)
    }
    socket.setTimeout(ms, () => end(false))
    socket.once(event, () => end(true))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
  })
}

/**
 * Probes a server that could not be used, with connections of its own, because the errors of gRPC do not tell whether it is
 * reachable, whether it uses TLS, and whether its certificate is trusted.
 *
 * @returns `undefined` when none of that is wrong.
 */
export async function probe({ host, isTls, caFile, timeoutMs }: Probed): Promise<Cause | undefined> {
  const [, name = host, port = '2113'] = /^\[?(.*?)\]?:(\d+)$/.exec(host) ?? []
  const to = { host: name, port: Number(port) }
  if (!(await isConnected(connectPlain(to), 'connect', timeoutMs))) return 'noServer'
  const ca = caFile === undefined ? {} : { ca: readFileSync(caFile) }
  const servername = isIP(name) ? {} : { servername: name }
  const socket: TLSSocket = connectTls({
    ...to,
    ...ca,
    ...servername,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
  })
  const speaksTls = await isConnected(socket, 'secureConnect', timeoutMs)
  if (speaksTls !== isTls) return isTls ? 'speaksPlain' : 'speaksTls'
  const { authorizationError } = socket
  if (!isTls || !authorizationError) return undefined
  return /ALTNAME/.test(String(authorizationError)) ? 'otherName' : 'otherAuthority'
}
