import type { Secret } from './events.ts'

/** A secret is replaced by adding the new one, moving everybody over, and revoking the old. */
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
  if (live.length >= MAX_SECRETS) return refuse('two secrets are live already; revoke one first')
  return [...live, secret]
}

/** The secrets without one. It has to be there: a mistyped id must not look like a revoked secret. */
export function withoutSecret(secrets: readonly Secret[], secretId: string, refuse: Refuse): Secret[] {
  const left = secrets.filter(({ secret_id }) => secret_id !== secretId)
  return left.length === secrets.length ? refuse(`there is no secret ${secretId}`) : left
}
