import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { selfSigned } from './certificate.ts'
import { freePort } from './ports.ts'
import { USER } from './properties.ts'

/**
 * The listener that asks for TLS and a user, who may say a password by `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`, and another
 * that asks for TLS and the client's certificate.
 */
export interface Secured {
  readonly brokers: string
  /** `cert` and `key` are files in PEM, of the one client that is let in. */
  readonly mutual: { readonly brokers: string; readonly cert: string; readonly key: string }
  /** A file in PEM. */
  readonly ca: string
  readonly username: string
  readonly password: string
}

interface Ports {
  readonly port: number
  readonly mutualPort: number
}

/** Makes a certificate for loopback, one of a client, and a password, or finds those of the folder. */
export async function secure(folder: string): Promise<Secured & Ports & { readonly keystore: string }> {
  const keystore = join(folder, 'keystore.p12')
  const ca = join(folder, 'ca.pem')
  const kept = join(folder, 'password')
  const [cert, key] = [join(folder, 'client.pem'), join(folder, 'client-key.pem')]
  if (!existsSync(ca)) {
    const fresh = randomBytes(18).toString('base64url')
    await writeFile(kept, fresh, { mode: 0o600 })
    const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', fresh, '-alias', 'broker']
    const names = ['-dname', 'CN=127.0.0.1', '-ext', 'san=ip:127.0.0.1,dns:localhost', '-ext', 'bc=ca:true']
    await keytool('-genkeypair', ...store, '-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '2', ...names)
    const client = selfSigned('client')
    await writeFile(cert, client.cert)
    await writeFile(key, client.key, { mode: 0o600 })
    await keytool('-exportcert', '-rfc', ...store, '-file', ca)
  }
  const password = await readFile(kept, 'utf8')
  const [port, mutualPort] = [await freePort(), await freePort()]
  const mutual = { brokers: `127.0.0.1:${mutualPort}`, cert, key }
  return { brokers: `127.0.0.1:${port}`, mutual, ca, username: USER, password, port, mutualPort, keystore }
}

const keytool = (...args: readonly string[]) => promisify(execFile)('keytool', args)

/** What tells the formatter of a data folder who the user is. */
export const securedUsers = (password: string): readonly string[] =>
  ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${USER},password=${password}]`,
  ])
