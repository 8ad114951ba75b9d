import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './ports.ts'
import { USER } from './properties.ts'

/** The listener that asks for TLS and a user, who may say a password by `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`. */
export interface Secured {
  readonly brokers: string
  /** A file in PEM. */
  readonly ca: string
  readonly username: string
  readonly password: string
}

/** Makes a certificate for loopback and a password, or finds those of the folder. */
export async function secure(folder: string): Promise<Secured & { readonly port: number; readonly keystore: string }> {
  const keystore = join(folder, 'keystore.p12')
  const ca = join(folder, 'ca.pem')
  const kept = join(folder, 'password')
  if (!existsSync(ca)) {
    const fresh = randomBytes(18).toString('base64url')
    await writeFile(kept, fresh, { mode: 0o600 })
    const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', fresh, '-alias', 'broker']
    const names = ['-dname', 'CN=127.0.0.1', '-ext', 'san=ip:127.0.0.1,dns:localhost', '-ext', 'bc=ca:true']
    await keytool('-genkeypair', ...store, '-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '2', ...names)
    await keytool('-exportcert', '-rfc', ...store, '-file', ca)
  }
  const password = await readFile(kept, 'utf8')
  const port = await freePort()
  return { brokers: `127.0.0.1:${port}`, ca, username: USER, password, port, keystore }
}

const keytool = (...args: readonly string[]) => promisify(execFile)('keytool', args)

/** What tells the formatter of a data folder who the user is. */
export const securedUsers = (password: string): readonly string[] =>
  ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${USER},password=${password}]`,
  ])
