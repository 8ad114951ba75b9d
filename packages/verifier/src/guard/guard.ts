import { VerifierError } from '../error/index.ts'
import type { Principal, RequestContext } from '../principal/index.ts'

/**
 * Decides whether a principal may make a request; it runs after the token was verified.
 *
 * @returns the error to throw if not; `undefined` if it is allowed.
 */
export type Guard = (principal: Principal, context: RequestContext) => VerifierError | undefined

const denied = (detail: string): VerifierError => new VerifierError('access_denied', { detail })

const lacksScope = (scope: string, detail: string): VerifierError =>
  new VerifierError('insufficient_scope', { parameters: { scope }, detail })

/** A guard from an empty list would let every principal through, or none. */
function someOf<Value>(values: readonly Value[], what: string): readonly Value[] {
  if (values.length === 0) throw new TypeError(`a guard needs at least one ${what}`)
  return values
}

/** Requires all of these scopes. The challenge names all of them. RFC 6750 §3.1. @throws {TypeError} for none. */
function scopes(...all: readonly string[]): Guard {
  const scope = someOf(all, 'scope').join(' ')
  return (principal) =>
    all.every((each) => principal.scopes.has(each)) ? undefined : lacksScope(scope, `needs the scopes ${scope}`)
}

/** Requires one of these scopes. The challenge names the first, which is sufficient. @throws {TypeError} for none. */
function anyScope(...any: readonly string[]): Guard {
  const [first = ''] = someOf(any, 'scope')
  return (principal) =>
    any.some((each) => principal.scopes.has(each)) ? undefined : lacksScope(first, `needs one of ${any.join(' ')}`)
}

/** Requires this role of the user. */
const role =
  (name: string): Guard =>
  (principal) =>
    principal.roles.has(name) ? undefined : denied(`needs the role ${name}`)

/** Requires this entitlement of the user, or the one that the request is about. */
const entitlement =
  (name: string | ((context: RequestContext) => string)): Guard =>
  (principal, context) => {
    const needed = typeof name === 'string' ? name : name(context)
    return principal.entitlements.has(needed) ? undefined : denied(`needs the entitlement ${needed}`)
  }

const currentSeconds = ({ now }: RequestContext): number => now ?? Math.floor(Date.now() / 1000)

/**
 * Step-up authentication, RFC 9470: requires one of these authentication context classes (any, if there are none), and an
 * authentication no longer ago than this many seconds. A token without `acr` or `auth_time` does not satisfy it.
 */
function acr(values: string | readonly string[], maxAgeSeconds?: number): Guard {
  const accepted = [values].flat()
  const parameters = {
    acr_values: accepted.length > 0 ? accepted.join(' ') : undefined,
    max_age: maxAgeSeconds?.toString(),
  }
  return (principal, context) => {
    const isStrong = accepted.length === 0 || (principal.acr !== undefined && accepted.includes(principal.acr))
    const isRecent =
      maxAgeSeconds === undefined ||
      (principal.authTime !== undefined && currentSeconds(context) - principal.authTime <= maxAgeSeconds)
    if (isStrong && isRecent) return undefined
    const detail = isStrong ? 'authenticated too long ago' : `acr is ${principal.acr ?? 'missing'}`
    return new VerifierError('insufficient_user_authentication', { parameters, detail })
  }
}

/** Requires a predicate of your own. Only `true` allows the request: the promise of an async predicate does not. */
const satisfies =
  (predicate: (principal: Principal, context: RequestContext) => boolean): Guard =>
  (principal, context) =>
    predicate(principal, context) === true ? undefined : denied('does not satisfy the predicate')

/** Requires all of these guards, in their order; the first that refuses gives the reason. @throws {TypeError} for none. */
function all(...guards: readonly Guard[]): Guard {
  someOf(guards, 'guard')
  return (principal, context) => {
    for (const each of guards) {
      const refusal = each(principal, context)
      if (refusal !== undefined) return refusal
    }
    return undefined
  }
}

/** Requires one of these guards, in their order; if all refuse, the first gives the reason. @throws {TypeError} for none. */
function any(...guards: readonly Guard[]): Guard {
  someOf(guards, 'guard')
  return (principal, context) => {
    let first: VerifierError | undefined
    for (const each of guards) {
      const refusal = each(principal, context)
      if (refusal === undefined) return undefined
      first ??= refusal
    }
    return first
  }
}

/**
 * The built-in guards; any other function of type `Guard` is one, too.
 *
 * @example
 * ```ts
 * import { guard } from '@ledgate/verifier'
 *
 * // The scope, and a manager or the owner of the order.
 * export const mayCancel = guard.all(
 *   guard.scopes('orders:write'),
 *   guard.any(
 *     guard.role('manager'),
 *     guard.entitlement((context) => `orders/${context.params?.['id']}`),
 *   ),
 * )
 * ```
 */
export const guard = { scopes, anyScope, role, entitlement, acr, satisfies, all, any }

/**
 * Applies a guard. @throws {VerifierError} if the guard refuses.
 *
 * @example
 * ```ts
 * import { authorize, guard, type Principal } from '@ledgate/verifier'
 *
 * export function cancelOrder(principal: Principal): void {
 *   authorize(principal, guard.scopes('orders:write'))
 * }
 * ```
 */
export function authorize(principal: Principal, guard: Guard, context: RequestContext = {}): void {
  const refusal = guard(principal, context)
  if (refusal !== undefined) throw refusal
}
