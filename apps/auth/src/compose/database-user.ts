import { readDatabaseUser } from '../config/index.ts'

/** Makes the user by which Ledgate uses EventStoreDB: of no group, with the right to read the whole log. */
export async function databaseUser(): Promise<Record<string, unknown>> {
  const { makeDatabaseUser } = await import('@ledgate/eventstore-eventstoredb')
  const { user, isNew } = await makeDatabaseUser(readDatabaseUser())
  return { user, created: isNew, may_read: '$all' }
}
