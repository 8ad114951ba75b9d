import type { Secret } from './secret.ts'
import { NotFound } from '../refusal/index.ts'

/** A secret is replaced by adding the new one, moving all users of the secret over, and revoking the old. */
const MAX_SECRETS = 2

/** Whether a secret proves anything now (seconds since the epoch). */
export const isLiveSecret = ({ expires_at }: Secret, now: number): boolean => expires_at === 0 || now < expires_at

type Refuse = (message: string) => never

/** The secrets with one more; those that have expired are forgotten. */
export function withSecret(
  secrets: readonly Secret[],
  { secret, now, refuse }: { readonly secret: Secret; readonly now: number; readonly refuse: Refuse },
): Secret[] {
  const live = secrets.filter((each) => isLiveSecret(each, now))
  if (live.length >= MAX_SECRETS) return refuse('two secrets are already active; revoke one first')
  return [...live, secret]
}

/** There is no secret of that id. */
export class UnknownSecret extends NotFound {
  constructor(secretId: string) {
    super(`secret ${secretId}`)
  }
}

/**
 * The secrets without one.
 *
 * @throws {UnknownSecret} when it is not there: a mistyped id must not look like a revoked secret.
 */
export function withoutSecret(secrets: readonly Secret[], secretId: string): Secret[] {
  const left = secrets.filter(({ secret_id }) => secret_id !== secretId)
  if (left.length === secrets.length) throw new UnknownSecret(secretId)
  return left
}
