import { z } from 'zod'
import { MAX_SCOPE } from './limits.ts'

/** One scope token: printable ASCII without space, quote and backslash. RFC 6749 §3.3. */
export const ScopeToken = z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/)

/** The scope tokens of a `scope` parameter, each once, in their order. RFC 6749 §3.3. */
export const Scope = z
  .string()
  .regex(/^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/)
  .max(MAX_SCOPE)
  .transform((value) => [...new Set(value.split(' '))])

/** The scope tokens as the wire writes them. */
export const formatScope = (scope: readonly string[]): string => scope.join(' ')

const OPENID_SCOPES = new Set(['openid', 'profile', 'email', 'address', 'phone', 'offline_access'])

/** Whether a scope is one of OpenID Connect Core §5.4 and §11: no resource server owns it. */
export const isOpenIdScope = (token: string): boolean => OPENID_SCOPES.has(token)
