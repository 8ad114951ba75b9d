import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'
import type { KeyVault } from '../key-vault.ts'
import { decrypt, encrypt } from '../sealing.ts'
import type { VaultAnswer, VaultRequest } from './protocol.ts'

export interface SqliteVaultOptions {
  readonly file: string
  /** 32 bytes that wrap everything in the vault. */
  readonly masterKey: Uint8Array
}

/** The name of a value that only the right master key can open. */
const CHECK = 'vault/check'

interface Waiting {
  resolve(): void
  reject(error: Error): void
}

type Change = VaultRequest extends infer Request
  ? Request extends { ticket: number }
    ? Omit<Request, 'ticket'>
    : never
  : never

async function startWriter(file: string) {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./writer.${extension}`, import.meta.url), {
    workerData: { file },
    name: 'ledgate vault writer',
  })
  const waiting = new Map<number, Waiting>()
  let ticket = 0
  let ended: Error | undefined

  const settle = (answer: Extract<VaultAnswer, { kind: 'done' | 'failed' }>) => {
    for (const each of answer.tickets) {
      const caller = waiting.get(each)
      waiting.delete(each)
      if (answer.kind === 'done') caller?.resolve()
      else caller?.reject(new Error(`the vault cannot be written: ${answer.reason}`))
    }
  }
  const end = (error: Error) => {
    ended ??= error
    for (const [, caller] of waiting) caller.reject(ended)
    waiting.clear()
  }

  await new Promise<void>((resolve, reject) => {
    worker.on('message', (answer: VaultAnswer) => {
      if (answer.kind === 'ready') resolve()
      else if (answer.kind === 'refused') reject(new Error(`the vault cannot be opened: ${answer.reason}`))
      else settle(answer)
    })
    worker.on('error', (error) => {
      end(error)
      reject(error)
    })
    worker.on('exit', () => end(new Error('the vault is closed')))
  })

  return {
    change: (change: Change) =>
      new Promise<void>((resolve, reject) => {
        if (ended !== undefined) return reject(ended)
        ticket += 1
        waiting.set(ticket, { resolve, reject })
        worker.postMessage({ ...change, ticket })
      }),
    close: () =>
      new Promise<void>((resolve) => {
        if (ended !== undefined) return resolve()
        worker.once('exit', () => resolve())
        worker.postMessage({ kind: 'close' } satisfies VaultRequest)
      }),
  }
}

/**
 * Opens the vault in one SQLite file. Writes happen on a thread of their own and are on the disk when they resolve.
 *
 * @throws {Error} when the master key is not the one that made this vault.
 */
export async function openSqliteVault({ file, masterKey }: SqliteVaultOptions): Promise<KeyVault> {
  mkdirSync(dirname(file), { recursive: true })
  const writer = await startWriter(file)
  const database = new Sqlite(file, { readonly: true, fileMustExist: true, timeout: 10_000 })
  const find = database.prepare('SELECT wrapped FROM vault WHERE name = ?').pluck()

  const read = (name: string): Uint8Array | undefined => {
    const wrapped = find.get(name) as Buffer | undefined
    return wrapped === undefined ? undefined : decrypt(masterKey, wrapped, name)
  }
  const put = (name: string, bytes: Uint8Array) =>
    writer.change({ kind: 'put', name, wrapped: encrypt(masterKey, bytes, name) })

  const vault: KeyVault = {
    get: async (name) => read(name),
    async putIfAbsent(name, bytes) {
      await put(name, bytes)
      return read(name) ?? bytes // destroyed in between: then nothing is kept, and what was meant is what was given
    },
    destroy: (name) => writer.change({ kind: 'destroy', name }),
    async close() {
      await writer.close()
      database.close()
    },
  }

  try {
    await vault.putIfAbsent(CHECK, Buffer.from('the master key fits'))
  } catch (error) {
    await vault.close()
    throw new Error('LEDGATE_MASTER_KEY is not the key that made this vault', { cause: error })
  }
  return vault
}
