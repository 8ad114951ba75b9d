import type { Principal } from '../principal/index.ts'

/** Who asked, by the request of the framework. Nothing is hung on anybody's object, so no type has to be merged. */
const principals = new WeakMap<object, Principal>()

/** Remembers who made a request, as long as the request itself is there. */
export function rememberPrincipal(request: object, principal: Principal): void {
  principals.set(request, principal)
}

/**
 * Who made this request: the framework's own object, after a guard of this package let it through.
 *
 * @throws {TypeError} when no guard did. It is a mistake in the routes, and must not look like an anonymous caller.
 */
export function principalOf(request: object): Principal {
  const principal = principals.get(request)
  if (principal === undefined) throw new TypeError('no guard let this request through, so nobody knows who made it')
  return principal
}
