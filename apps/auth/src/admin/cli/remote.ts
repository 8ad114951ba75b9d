import { readFileSync } from 'node:fs'
import { type Operation, OPERATIONS } from '../vocabulary/index.ts'
import type { Ask } from './command-line.ts'
import { Refused } from '../../refusal/index.ts'

export interface RemoteOptions {
  /** The issuer. */
  readonly server: string
  /** A file that holds an access token for the administration: an argument could be seen by other users. */
  readonly tokenFile: string
}

/** Milliseconds that the server may take. */
const TIMEOUT_MS = 30_000

type Input = Readonly<Record<string, unknown>>

const isGiven = ([, value]: readonly [string, unknown]) => value !== undefined

/** The request for a command: what the path names goes there, the rest into the query or the body. */
function requestFor({ method, path, isMetadata }: Operation, input: Input): { path: string; body?: object } {
  const inPath = new Set<string>()
  const filled = path.replaceAll(/:(\w+)/g, (_, name: string) => {
    inPath.add(name)
    return encodeURIComponent(String(input[name]))
  })
  const rest = Object.fromEntries(
    Object.entries(input)
      .filter(([name]) => !inPath.has(name))
      .filter(isGiven),
  )
  if (method === 'GET') {
    const query = new URLSearchParams(
      Object.entries(rest).map(([name, value]): [string, string] => [name, String(value)]),
    )
    return { path: query.size === 0 ? filled : `${filled}?${query}` }
  }
  const { metadata, ...others } = rest
  return { path: filled, body: isMetadata ? { ...others, ...(metadata as object) } : rest }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

/** The server as a URL. Neither a message of ours nor one of `fetch` quotes a password. @throws {Refused} */
function serverOf(text: string): URL {
  const server = URL.parse(text)
  if (server === null || !/^https?:$/.test(server.protocol) || server.username !== '' || server.password !== '')
    throw new Refused('--server is the URL of an issuer such as https://id.example.com, without a user and a password')
  return server
}

/** Asks the administration of a server over HTTP. @throws {Refused} when it refuses, or cannot be reached. */
export function createRemote({ server: issuer, tokenFile }: RemoteOptions): Ask {
  const server = serverOf(issuer)

  async function send(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const token = readFileSync(tokenFile, 'utf8').trim()
    const answer = await fetch(new URL(path, server), {
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      redirect: 'error', // the token is for this server
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      throw new Refused(`${server.origin} cannot be reached`, { cause: error })
    })
    const text = await answer.text()
    const parsed: Record<string, unknown> = text === '' ? {} : JSON.parse(text)
    if (!answer.ok)
      throw new Refused(
        textOf(parsed['error_description']) ?? textOf(parsed['error']) ?? `the server answered ${answer.status}`,
      )
    const position = answer.headers.get('ledgate-position')
    return { ...parsed, ...(position !== null && { position }) }
  }

  /** An address is looked up first: in a URL there are only ids. */
  async function withSub(command: string, input: Input): Promise<Input> {
    const { sub } = input
    if (typeof sub !== 'string' || !command.startsWith('users ') || !sub.includes('@')) return input
    return { ...input, sub: (await send('POST', '/admin/users/find', { email: sub }))['sub'] }
  }

  return async (command, input) => {
    const operation = OPERATIONS.find((each) => each.command === command)
    if (operation === undefined)
      throw new Refused(`${command} is not available over HTTP; run it on the server’s machine`)
    const { path, body } = requestFor(operation, await withSub(command, input))
    return send(operation.method, path, body)
  }
}
