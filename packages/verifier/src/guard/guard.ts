import { VerifierError } from '../error/index.ts'
import type { Principal, RequestContext } from '../principal/index.ts'

/**
 * Whether somebody may do something; asked after token, client and person are known to be good.
 * @returns why not, as an error to be thrown; `undefined` when it is allowed.
 */
export type Guard = (principal: Principal, context: RequestContext) => VerifierError | undefined

const denied = (detail: string): VerifierError => new VerifierError('access_denied', { detail })

const lacksScope = (scope: string, detail: string): VerifierError =>
  new VerifierError('insufficient_scope', { parameters: { scope }, detail })

/** A guard that was made out of an empty list would let everybody through, or nobody. */
function someOf<Value>(values: readonly Value[], what: string): readonly Value[] {
  if (values.length === 0) throw new TypeError(`a guard needs at least one ${what}`)
  return values
}

/** All of these scopes. A client that lacks one is told them all. RFC 6750 §3.1. @throws {TypeError} for none. */
function scopes(...all: readonly string[]): Guard {
  const scope = someOf(all, 'scope').join(' ')
  return (principal) =>
    all.every((each) => principal.scopes.has(each)) ? undefined : lacksScope(scope, `needs the scopes ${scope}`)
}

/** One of these scopes. A client that has none is told to ask for the first: it needs no more. @throws {TypeError} for none. */
function anyScope(...any: readonly string[]): Guard {
  const [first = ''] = someOf(any, 'scope')
  return (principal) =>
    any.some((each) => principal.scopes.has(each)) ? undefined : lacksScope(first, `needs one of ${any.join(' ')}`)
}

/** This role of the person. */
const role =
  (name: string): Guard =>
  (principal) =>
    principal.roles.has(name) ? undefined : denied(`needs the role ${name}`)

/** This entitlement of the person, or the one that the request is about. */
const entitlement =
  (name: string | ((context: RequestContext) => string)): Guard =>
  (principal, context) => {
    const needed = typeof name === 'string' ? name : name(context)
    return principal.entitlements.has(needed) ? undefined : denied(`needs the entitlement ${needed}`)
  }

const currentSeconds = ({ now }: RequestContext): number => now ?? Math.floor(Date.now() / 1000)

/**
 * Step-up of RFC 9470: that the person was authenticated in one of these ways (any, when there are none), and no longer ago
 * than this many seconds. A token that does not say how or when does not satisfy it.
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
    const detail = isStrong ? 'authenticated too long ago' : `acr is ${principal.acr ?? 'not said'}`
    return new VerifierError('insufficient_user_authentication', { parameters, detail })
  }
}

/** Whatever else must hold. Only `true` allows: a promise, which an async predicate would give, does not. */
const satisfies =
  (predicate: (principal: Principal, context: RequestContext) => boolean): Guard =>
  (principal, context) =>
    predicate(principal, context) === true ? undefined : denied('does not satisfy the predicate')

/** All of these guards, in their order: the first that refuses says why. @throws {TypeError} for none. */
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

/** One of these guards, in their order, and none after it is asked; when all refuse, the first says why. @throws {TypeError} for none. */
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

/** The guards there are; any function of the same shape is one, too. */
export const guard = { scopes, anyScope, role, entitlement, acr, satisfies, all, any }

/** Lets pass who may. @throws {VerifierError} the guard's refusal. */
export function authorize(principal: Principal, guard: Guard, context: RequestContext = {}): void {
  const refusal = guard(principal, context)
  if (refusal !== undefined) throw refusal
}
