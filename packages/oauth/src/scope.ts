import { z } from 'zod'

/** One scope token: printable ASCII without space, quote and backslash. RFC 6749 §3.3. */
export const ScopeToken = z.string().regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/)

/** The scope tokens of a `scope` parameter, each once, in their order. RFC 6749 §3.3. */
export const Scope = z
  .string()
  .regex(/^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/)
  .max(4096)
  .transform((value) => [...new Set(value.split(' '))])

/** The scope tokens as the wire writes them. */
export const formatScope = (scope: readonly string[]): string => scope.join(' ')
