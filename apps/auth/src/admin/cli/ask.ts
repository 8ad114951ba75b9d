import { request } from 'node:http'
import { z } from 'zod'
import type { ControlRequest } from '../vocabulary/index.ts'
import { Refused } from '../../refusal/index.ts'

const Refusal = z.object({ message: z.string() })

/** No server listens: the caller may open the data folder itself. */
export class NoServer extends Error {
  constructor(options?: ErrorOptions) {
    super('no server is running', options)
    this.name = 'NoServer'
  }
}

const isAbsent = (error: unknown) =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')

/**
 * Sends a command to a running server.
 *
 * @throws {NoServer} when none listens at the socket.
 * @throws {Refused} when it refuses.
 */
export function askServer(socket: string, command: ControlRequest): Promise<Record<string, unknown>> {
  const body = JSON.stringify(command)
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const call = request({ socketPath: socket, method: 'POST', path: '/', headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const parsed: Record<string, unknown> = JSON.parse(Buffer.concat(chunks).toString())
        if (answer.statusCode === 200) resolve(parsed)
        else reject(new Refused(Refusal.parse(parsed).message))
      })
    })
    call.on('error', (error) => reject(isAbsent(error) ? new NoServer({ cause: error }) : error))
    call.end(body)
  })
}
