import type { Principal } from '../principal/index.ts'

/** The principals by the request of the framework, whose object and type stay as they are. */
const principals = new WeakMap<object, Principal>()

/** Remembers who made a request, for as long as the request exists. */
export function rememberPrincipal(request: object, principal: Principal): void {
  principals.set(request, principal)
}

/**
 * The principal of a request that a guard of this package let through.
 *
 * @param request the object of the framework.
 * @throws {TypeError} if no guard did: a mistake in the routes, which must not look like an anonymous caller.
 * @example
 * ```ts
 * import { principalOf } from '@ledgate/verifier/fastify'
 * import type { FastifyRequest } from 'fastify'
 *
 * // For routes behind a guard.
 * export const tenantOf = (request: FastifyRequest): string => String(principalOf(request).claims['tenant'])
 * ```
 */
export function principalOf(request: object): Principal {
  const principal = principals.get(request)
  if (principal === undefined) throw new TypeError('no guard let this request through, so it has no principal')
  return principal
}
