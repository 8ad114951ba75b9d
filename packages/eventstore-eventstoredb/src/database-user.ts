import { convertToCommandError, ErrorType, isCommandError, type EventStoreDBClient } from '@eventstore/db-client'
import usersServices from '@eventstore/db-client/generated/users_grpc_pb.js'
import usersMessages from '@eventstore/db-client/generated/users_pb.js'
import { Conflict } from '@ledgate/eventsourcing'
import { append, asideEvent } from './append.ts'
import { type Connection, openConnection } from './connection.ts'
import { credentialsIn } from './connection-string.ts'
import { lastOf } from './erasure.ts'
import { ServerUnusable } from './failure.ts'
import { serviceOf } from './client-internals.ts'
import { whenUsable } from './usable.ts'

const { CreateReq } = usersMessages
const METADATA_OF_ALL = '$$$all'
const EVERYBODY = '$all'
/** The groups that may read the whole log by default. */
const ADMINISTRATORS = '$admins'
const ATTEMPT_MS = 10_000
/** How long to wait for a server, in milliseconds: containers start in any order. */
const PATIENCE_MS = 30_000
/** The number of attempts when the access rights are changed concurrently. */
const TRIES = 5

/** The user that Ledgate needs in EventStoreDB: in no group, with the right to read the whole log. */
export interface MadeUser {
  readonly user: string
  /** `false` when it existed already; its password is unchanged then. */
  readonly isNew: boolean
}

/**
 * Creates the user of a connection string, with the connection string of an administrator of EventStoreDB, and lets it read the
 * whole log. Idempotent.
 *
 * @throws {Unusable} when the server cannot be used, or the user is not an administrator.
 */
export async function makeDatabaseUser({
  url,
  administratorUrl,
}: {
  readonly url: string
  readonly administratorUrl: string
}): Promise<MadeUser> {
  const credentials = credentialsIn(url)
  if (credentials === undefined) throw new Error('LEDGATE_EVENTSTOREDB_URL names no user and password to create')
  const { username: user, password } = credentials
  const setting = 'LEDGATE_EVENTSTOREDB_ADMIN_URL'
  const connection = openConnection({ url: administratorUrl, setting, attemptMs: ATTEMPT_MS })
  try {
    return await whenUsable({ url: administratorUrl, setting, patienceMs: PATIENCE_MS }, async () => {
      const isNew = await connection
        .call((client) => create(client, user, password))
        .catch((error: unknown) => {
          throw new ServerUnusable(error, true)
        })
      await letRead(connection, user)
      return { user, isNew }
    })
  } finally {
    await connection.close()
  }
}

/** @returns `false` when the user exists already. */
async function create(client: EventStoreDBClient, user: string, password: string): Promise<boolean> {
  const { service, call, failed } = await serviceOf(client, usersServices.UsersClient, 'users')
  const [metadata, how] = call({ deadline: Date.now() + ATTEMPT_MS })
  const options = new CreateReq.Options().setLoginName(user).setPassword(password).setFullName('Ledgate')
  return new Promise((resolve, reject) => {
    service.create(new CreateReq().setOptions(options), metadata, how, (error) => {
      if (!error) return resolve(true)
      const failure = convertToCommandError(error)
      if (typeOf(failure) === ErrorType.USER_CONFLICT) return resolve(false)
      failed(error)
      reject(failure)
    })
  })
}

const typeOf = (error: unknown): ErrorType | undefined =>
  error instanceof Error && isCommandError(error) ? error.type : undefined

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Adds a user to those who may read the whole log; keeps all others. */
async function letRead(connection: Connection, user: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const last = await lastOf(connection, METADATA_OF_ALL)
    const metadata = isObject(last?.data) ? last.data : {}
    const acl = isObject(metadata['$acl']) ? metadata['$acl'] : {}
    const readers = [acl['$r'] ?? ADMINISTRATORS].flat().map(String)
    if (readers.includes(user) || readers.includes(EVERYBODY)) return
    const changed = { ...metadata, $acl: { ...acl, $r: [...readers, user] } }
    const events = [asideEvent('$metadata', changed)]
    try {
      await append(connection, { stream: METADATA_OF_ALL, events, expected: last?.revision ?? 'noStream' })
      return
    } catch (error) {
      if (tries === TRIES || !(error instanceof Conflict)) throw error
    }
  }
}
