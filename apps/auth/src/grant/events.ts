import { z } from 'zod'
import {
  defineEvent,
  defineStream,
  Duration,
  Epoch,
  type EventOf,
  RandomId,
  Seconds,
  SecretHash,
  Sub,
} from '../log/index.ts'

/**
 * The refresh token of a grant: generation `generation` is the one not used yet. What it says of the generation before
 * is what a retry is judged by (design §4).
 */
export const RefreshState = z.strictObject({
  generation: z.int().nonnegative(),
  /** The derivation key of this generation's secret. */
  key: z.string(),
  /** SHA-256 of the `refresh_attempt` that spent the generation before, if there was one. */
  attempt: SecretHash.nullable(),
  /** When the generation before was spent; when the grant was opened, for generation 0. */
  rotated_at: Seconds,
  /** How often the generation before was answered again. */
  replays: z.int().nonnegative(),
  /** This generation was handed out (also) by grace; the one before was. */
  by_grace: z.boolean(),
  previous_by_grace: z.boolean(),
  /** Absolute, and idle (moved on by each rotation). */
  expires_at: Seconds,
  idle_expires_at: Seconds,
})
export type RefreshState = z.infer<typeof RefreshState>

/**
 * Everything a decision about a grant needs; every event of `grant-<gid>` but TokenIssued carries it. Nothing in it grows:
 * its size is that of what was granted. An event that ends something leaves `scope` and `aud` out, so that it always fits.
 */
export const GrantState = z.strictObject({
  gid: RandomId,
  sub: Sub,
  client_id: z.string(),
  sid: RandomId,
  grant_type: z.string(),
  scope: z.array(z.string()),
  aud: z.array(z.string()),
  auth_time: Seconds,
  amr: z.array(z.string()),
  /** The epochs at the very revisions that were verified when the grant was opened; its tokens carry these. */
  user_epoch: Epoch,
  client_epoch: Epoch,
  issuer_epoch: Epoch,
  opened_at: Seconds,
  revoked: z.boolean(),
  refresh: RefreshState.nullable(),
  /** Access tokens revoked one by one, as releases before wrote it: today each has a stream of its own, and this is empty. */
  revoked_tokens: z.array(z.strictObject({ jti: z.string(), exp: Seconds })),
})
export type GrantState = z.infer<typeof GrantState>

const grant = GrantState

export const GrantOpened = defineEvent('GrantOpened', { grant })

/** An access token left; nothing of it that could be presented is here. Of a grant, or of a client alone (`service-…`). */
export const TokenIssued = defineEvent('TokenIssued', {
  jti: z.string(),
  client_id: z.string(),
  sub: z.string(),
  gid: RandomId.optional(),
  sid: RandomId.optional(),
  scope: z.array(z.string()),
  aud: z.array(z.string()),
  iat: Seconds,
  expires_in: Duration,
  kid: z.string(),
})
export const RefreshRotated = defineEvent('RefreshRotated', { grant })
/** A spent refresh token was answered again: `attempt` by its exact retry, `grace` within the client's grace. */
export const RefreshReplayed = defineEvent('RefreshReplayed', { by: z.enum(['attempt', 'grace']), grant })
/** A genuine refresh token came back after it was spent: somebody else holds it too (RFC 9700 §4.14.2). */
export const RefreshReuseDetected = defineEvent('RefreshReuseDetected', { generation: z.int().nonnegative(), grant })
/**
 * One access token of the grant was revoked, and the grant lives on. It is the first event of the token's own stream
 * (`token-<jti>`); releases before wrote it into the grant's.
 */
export const TokenRevoked = defineEvent('TokenRevoked', { jti: z.string(), exp: Seconds, grant })
export const GrantRevoked = defineEvent('GrantRevoked', { reason: z.string(), grant })

export const grantEvents = [
  GrantOpened,
  TokenIssued,
  RefreshRotated,
  RefreshReplayed,
  RefreshReuseDetected,
  TokenRevoked,
  GrantRevoked,
] as const
export type GrantEvent = EventOf<(typeof grantEvents)[number]>

/** `grant-<gid>`. */
export const grantStream = defineStream('grant', grantEvents)
/** An access token of a grant that was revoked by itself: `token-<jti>` (docs/decisions/0003 and 0017). */
export const tokenStream = defineStream('token', [TokenRevoked])

/**
 * A client's own access token was revoked. It has a stream of its own (`service-<client_id>-<jti>`), so that asking
 * about one token reads one event, however many tokens the client got that day.
 */
export const ServiceTokenRevoked = defineEvent('ServiceTokenRevoked', {
  jti: z.string(),
  client_id: z.string(),
  exp: Seconds,
})

export const serviceEvents = [ServiceTokenRevoked] as const

/** A client's own tokens: those that it was issued in a day, and each one that was revoked (`service-<client_id>-<jti>`). */
export const serviceStream = defineStream('service', [TokenIssued, ServiceTokenRevoked])
