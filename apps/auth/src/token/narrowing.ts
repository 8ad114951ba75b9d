import { InvalidScope, InvalidTarget, isSameResource } from '@ledgate/oauth'
import type { GrantState } from '../grant/index.ts'
import { readResourceParameter, readScope } from './scope.ts'

/**
 * A narrower scope narrows this access token alone, RFC 6749 §6. Whether it outlives the session is a matter of the grant: a
 * resource server reads it from the token.
 *
 * @throws {InvalidScope} when it exceeds that of the grant.
 */
export function narrowedScope(grant: GrantState, parameter: unknown): string[] {
  const asked = readScope(parameter)
  if (asked?.some((token) => !grant.scope.includes(token))) throw new InvalidScope('the scope exceeds the grant')
  return grant.scope.filter((token) => asked === undefined || asked.includes(token) || token === 'offline_access')
}

/** A narrower audience narrows this access token alone, RFC 8707 §2.2. @throws {InvalidTarget} when it exceeds that of the grant. */
export function narrowedAudience(grant: GrantState, parameter: unknown): readonly string[] {
  const asked = readResourceParameter(parameter)
  if (asked.some((resource) => !grant.aud.some((granted) => isSameResource(granted, resource))))
    throw new InvalidTarget('the resource is not one of the grant')
  return asked.length > 0 ? asked : grant.aud
}
