import { availableParallelism } from 'node:os'
import type { JWTPayload } from 'jose'
import { startChild, type Child } from '../process/child.ts'
import type { Bootstrap } from '../ledgate/bootstrap.ts'
import type { SignerName } from './signer.ts'

const entry = (file: string): URL => new URL(file, import.meta.url)

export function startBare(): Promise<Child> {
  return startChild({ name: 'bare route', entry: entry('./bare.ts') })
}

/** @param claims of a real token, so that both servers sign the same; usual ones unless given. */
export function startSigningOnly(name: SignerName, claims?: JWTPayload): Promise<Child> {
  const args = claims === undefined ? [name] : [name, JSON.stringify(claims)]
  return startChild({ name: 'signing-only route', entry: entry('./signing-only.ts'), args })
}

export function startOidcProvider({ service, resource, scope }: Bootstrap): Promise<Child> {
  const args = [service.id, service.secret, resource, scope]
  return startChild({ name: 'oidc-provider', entry: entry('./oidc-provider.ts'), args })
}

export function startArgon2id(): Promise<Child> {
  const env = { UV_THREADPOOL_SIZE: String(availableParallelism()) }
  return startChild({ name: 'argon2id alone', entry: entry('./argon2id.ts'), env })
}
