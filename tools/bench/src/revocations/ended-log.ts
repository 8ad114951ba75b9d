import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { openSqliteEventStore, type SqliteEventStore } from '@ledgate/eventstore-sqlite'
import type { Bench } from '../bench.ts'
import { type Bootstrap, makeBootstrap, type Secret } from '../ledgate/bootstrap.ts'
import { startLedgate } from '../ledgate/start.ts'
import { basic } from '../load/request.ts'
import { inAnHour } from './endings.ts'

/** A stopped server's folder in whose log so many tokens, grants and sessions were ended a moment ago. */
export interface EndedLog {
  readonly folder: string
  readonly bootstrap: Bootstrap
}

/** Events of one append, and appends under way. */
const APPEND = 100
const AT_ONCE = 64

/**
 * Ends a token, a grant and its session at the real server, and has the log say the same of others: a million answers of a server
 * take longer than everything that is measured.
 */
export async function endedLog({ options, newFolder }: Bench, count: number): Promise<EndedLog> {
  const bootstrap = makeBootstrap(1)
  const folder = await newFolder('ended-log')
  {
    await using server = await startLedgate({ entry: options.server, folder, bootstrap })
    await endOne(server.port, bootstrap)
  }
  const store = await openSqliteEventStore({ file: join(folder, 'data', 'events.db') })
  try {
    await endMany(store, count)
  } finally {
    await store.close()
  }
  return { folder, bootstrap }
}

async function endOne(port: number, { service, app, people: [person], scope }: Bootstrap): Promise<void> {
  const own = await tokensOf(port, service, { grant_type: 'client_credentials', scope })
  await post(port, '/oauth2/revoke', service, { token: own.access_token })
  const { email: username, password } = person ?? { email: '', password: '' }
  const granted = await tokensOf(port, app, { grant_type: 'password', username, password, scope })
  await post(port, '/oauth2/revoke', app, { token: granted.refresh_token ?? '' })
}

interface Tokens {
  readonly access_token: string
  readonly refresh_token?: string
}

const tokensOf = async (port: number, client: Secret, form: Readonly<Record<string, string>>): Promise<Tokens> =>
  (await (await post(port, '/oauth2/token', client, form)).json()) as Tokens

async function post(port: number, path: string, client: Secret, form: Readonly<Record<string, string>>) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { authorization: basic(client) },
    body: new URLSearchParams(form),
  })
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
  return answer
}

type NewEvent = Parameters<SqliteEventStore['append']>[1][number]

const randomId = (): string => randomUUID().replaceAll('-', '')

/** What a template becomes when something else of the same kind is ended. */
const OTHERS: Readonly<Record<string, (data: NewEvent['data']) => NewEvent['data']>> = {
  ServiceTokenRevoked: (data) => ({ ...data, jti: randomUUID(), exp: inAnHour() }),
  GrantRevoked: (data) => ({ ...data, grant: { ...Object(data['grant']), gid: randomId() } }),
  SessionEnded: (data) => ({ ...data, session: { ...Object(data['session']), sid: randomId() } }),
}

async function endMany(store: SqliteEventStore, count: number): Promise<void> {
  const templates: NewEvent[] = []
  for await (const event of store.readAll({ filter: { types: Object.keys(OTHERS) } })) templates.push(event)
  if (templates.length < Object.keys(OTHERS).length) throw new Error('the server did not end what it was told to end')
  const other = (nth: number): NewEvent => {
    const { type, data, metadata } = templates[nth % templates.length] as NewEvent
    return { id: randomUUID(), type, data: OTHERS[type]?.(data) ?? data, metadata }
  }
  let nth = 0
  const appendOn = async (): Promise<void> => {
    while (nth < count) {
      const length = Math.min(APPEND, count - nth)
      const events = Array.from({ length }, () => other((nth += 1)))
      await store.append(`bench-${randomUUID()}`, events, { expected: 'noStream' })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, appendOn))
}
