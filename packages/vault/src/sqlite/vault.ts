import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { decrypt, encrypt } from '../encryption.ts'
import type { KeyVault } from '../key-vault.ts'
import { findByName } from './schema.ts'
import { startWriter, type WriterThread } from './writer-thread.ts'

export interface SqliteVaultOptions {
  readonly file: string
  /** 32 bytes that wrap everything in the vault. */
  readonly masterKey: Uint8Array
}

const BUSY_MS = 10_000

/** The name of a value that only the right master key can open. */
const CHECK = 'vault/check'

/** The file is for its owner only; the write-ahead log takes over its mode. */
function createFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  closeSync(openSync(file, 'a', 0o600))
}

function openReader(file: string) {
  const database = new Sqlite(file, { readonly: true, fileMustExist: true, timeout: BUSY_MS })
  const find = database.prepare<[string], Buffer>(findByName).pluck()
  return { find: (name: string) => find.get(name), close: () => database.close() }
}

/** In memory of its own, so that nothing else goes to the writer's thread with it. */
const wrap = (masterKey: Uint8Array, bytes: Uint8Array, name: string): Uint8Array =>
  Uint8Array.from(encrypt(masterKey, bytes, name))

/** The first to open a vault leaves a value in it that no other master key can open. */
async function checkMasterKey(writer: WriterThread, masterKey: Uint8Array): Promise<void> {
  const wrapped = wrap(masterKey, Buffer.from('the master key fits'), CHECK)
  const kept = await writer.change({ kind: 'put', name: CHECK, wrapped })
  try {
    decrypt(masterKey, kept ?? wrapped, CHECK)
  } catch (error) {
    throw new Error('LEDGATE_MASTER_KEY is not the key that made this vault', { cause: error })
  }
}

/**
 * Opens the vault in one SQLite file. Writes happen on a thread of their own and are on the disk when they resolve;
 * what was destroyed is in no file any more. Any number of processes may have it open.
 *
 * @throws {Error} when the master key is not the one that made this vault, or the file cannot be opened.
 */
export async function openSqliteVault({ file, masterKey }: SqliteVaultOptions): Promise<KeyVault> {
  createFile(file)
  const writer = await startWriter(file)
  try {
    await checkMasterKey(writer, masterKey)
    const reader = openReader(file)
    const unwrap = (wrapped: Uint8Array, name: string): Uint8Array => decrypt(masterKey, wrapped, name)
    return {
      async get(name) {
        const wrapped = reader.find(name)
        return wrapped && unwrap(wrapped, name)
      },
      async putIfAbsent(name, bytes) {
        const wrapped = wrap(masterKey, bytes, name)
        return unwrap((await writer.change({ kind: 'put', name, wrapped })) ?? wrapped, name)
      },
      async destroy(name) {
        await writer.change({ kind: 'destroy', name })
      },
      async close() {
        reader.close() // first: whoever closes last empties the write-ahead log, and a reader cannot
        await writer.close()
      },
    }
  } catch (error) {
    await writer.close()
    throw error
  }
}
