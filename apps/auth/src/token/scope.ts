import { InvalidRequest, InvalidScope, Scope } from '@ledgate/oauth'
import type { ClientState } from '../client/index.ts'

const registered = new WeakMap<ClientState, readonly string[]>()

/** The scope tokens a client may ask for. */
function allowedScope(client: ClientState): readonly string[] {
  const known = registered.get(client)
  if (known !== undefined) return known
  const tokens = client.metadata.scope === '' ? [] : client.metadata.scope.split(' ')
  registered.set(client, tokens)
  return tokens
}

/** @throws {InvalidScope} when the parameter is no scope. */
export function readScope(parameter: unknown): readonly string[] | undefined {
  if (parameter === undefined) return undefined
  const parsed = Scope.safeParse(parameter)
  if (!parsed.success) throw new InvalidScope('the scope is malformed')
  return parsed.data
}

/**
 * What is granted: what was asked for, or all the client may have when it asked for nothing (RFC 6749 §3.3).
 *
 * @throws {InvalidScope} when it asked for more than it may have.
 */
export function grantedScope(client: ClientState, parameter: unknown): readonly string[] {
  const allowed = allowedScope(client)
  const asked = readScope(parameter) ?? allowed
  if (asked !== allowed && !asked.every((token) => allowed.includes(token)))
    throw new InvalidScope('the client may not have that scope')
  return asked
}

/** The `resource` parameters, which may repeat (RFC 8707 §2). @throws {InvalidRequest} */
export function readResourceParameter(parameter: unknown): readonly string[] {
  if (parameter === undefined) return []
  if (Array.isArray(parameter) && parameter.every((each) => typeof each === 'string')) return parameter
  throw new InvalidRequest('the resource is malformed')
}
