import { InvalidRequest } from '@ledgate/oauth'
import type { z } from 'zod'

/**
 * The parameters of a request as their schema says. The public text names the parameters that are wrong, never their
 * values (RFC 6749 §5.2).
 *
 * @throws {InvalidRequest} when a parameter is missing, repeated or malformed.
 */
export function parse<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body ?? {})
  if (result.success) return result.data
  const names = new Set(result.error.issues.map((issue) => issue.path.join('.')).filter((name) => name !== ''))
  const about = names.size === 0 ? '' : `: ${[...names].join(', ')}`
  throw new InvalidRequest(`a parameter is missing, repeated or malformed${about}`, { cause: result.error })
}
