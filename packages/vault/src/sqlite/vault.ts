import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { KeyVault } from '../key-vault.ts'
import { type Wrapping, createWrapping } from '../wrapping.ts'
import { findByName, namesAfter } from './schema.ts'
import { startWriter, type WriterThread } from './writer-thread.ts'

export interface SqliteVaultOptions {
  readonly file: string
  /** The 32 bytes of the key that wraps everything in the vault. */
  readonly masterKey: Uint8Array
  /** Former master keys, while the master key is being rotated. */
  readonly olderMasterKeys?: readonly Uint8Array[]
}

const BUSY_MS = 10_000

/** Names in one page of a rewrap. */
const PAGE = 500

/** The name of a check value that only the right master key can decrypt. */
const CHECK = 'vault/check'

/** Makes the file readable by its owner only; the write-ahead log takes over its mode. */
function createFile(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true })
    closeSync(openSync(file, 'a', 0o600))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`the vault ${file} cannot be opened for writing: ${reason}`, { cause: error })
  }
}

function openReader(file: string) {
  const database = new Sqlite(file, { readonly: true, fileMustExist: true, timeout: BUSY_MS })
  const find = database.prepare<[string], Buffer>(findByName).pluck()
  const after = database.prepare<[string, number], string>(namesAfter).pluck()
  return {
    find: (name: string) => find.get(name),
    names: (from: string) => after.all(from, PAGE),
    close: () => database.close(),
  }
}

/** A copy in its own buffer, so that no other bytes are transferred to the writer's thread. */
const own = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes)

/** @throws {Error} when none of the keys decrypts the check value. */
function assertFits(keys: Wrapping, check: Uint8Array | undefined): void {
  try {
    if (check !== undefined) keys.unwrap(check, CHECK)
  } catch (error) {
    throw new Error('LEDGATE_MASTER_KEY is not the key of this vault', { cause: error })
  }
}

/** The first process that opens a vault stores a check value in it that no other master key can decrypt. */
async function checkMasterKey(writer: WriterThread, keys: Wrapping): Promise<void> {
  const wrapped = own(keys.wrap(Buffer.from('the master key fits'), CHECK))
  const kept = await writer.change({ kind: 'put', name: CHECK, wrapped })
  assertFits(keys, kept ?? wrapped)
}

/**
 * Opens the vault in one SQLite file. Writes run on a thread of their own and are on disk when they resolve; destroyed bytes are in
 * no file then. Any number of processes may have it open.
 *
 * @throws {Error} when the master key is not the one of this vault, or the file cannot be opened.
 */
export async function openSqliteVault({
  file,
  masterKey,
  olderMasterKeys = [],
}: SqliteVaultOptions): Promise<KeyVault> {
  let keys = createWrapping([masterKey, ...olderMasterKeys])
  createFile(file)
  const writer = await startWriter(file)
  try {
    await checkMasterKey(writer, keys)
    const reader = openReader(file)

    /** Rewraps one page of names; returns how many were rewrapped. */
    async function rewrapPage(names: readonly string[]): Promise<number> {
      const changes = names.flatMap((name) => {
        const from = reader.find(name)
        const wrapped = from && keys.rewrap(from, name)
        return from && wrapped ? [{ kind: 'rewrap', name, from: own(from), wrapped: own(wrapped) } as const] : []
      })
      await Promise.all(changes.map(writer.change))
      return changes.length
    }

    return {
      async get(name) {
        const wrapped = reader.find(name)
        return wrapped && keys.unwrap(wrapped, name)
      },
      async putIfAbsent(name, bytes) {
        const wrapped = own(keys.wrap(bytes, name))
        return keys.unwrap((await writer.change({ kind: 'put', name, wrapped })) ?? wrapped, name)
      },
      async destroy(name) {
        await writer.change({ kind: 'destroy', name })
      },
      async rewrap(masterKeys) {
        const next = createWrapping(masterKeys)
        assertFits(next, reader.find(CHECK)) // before any value is wrapped with them
        keys = next
        let count = 0
        for (let names = reader.names(''); names.length > 0; names = reader.names(names.at(-1) ?? ''))
          count += await rewrapPage(names)
        return count
      },
      async close() {
        reader.close() // first: the last connection empties the write-ahead log, which a reader cannot do
        await writer.close()
      },
    }
  } catch (error) {
    await writer.close()
    throw error
  }
}
