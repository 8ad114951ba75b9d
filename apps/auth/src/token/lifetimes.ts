import { type ClientMetadata, LONGEST_LIFETIME } from '@ledgate/oauth'

/** How long things last, in seconds. */
export interface Lifetimes {
  readonly accessToken: number
  /** From the opening of the grant, however often it is renewed. */
  readonly refreshToken: number
  /** From one renewal to the next. */
  readonly refreshTokenIdle: number
  /** For which a spent refresh token is answered again without a `refresh_attempt`. */
  readonly refreshTokenGrace: number
}

const MINUTE = 60
const DAY = 86_400

/** What a client gets unless it was registered with other lifetimes. */
const DEFAULTS = { accessToken: 5 * MINUTE, refreshToken: 30 * DAY, refreshTokenIdle: 14 * DAY, grace: 10 }

/** A client that an older version registered may have longer ones: they last a hundred years, too. */
const bounded = (seconds: number): number => Math.min(seconds, LONGEST_LIFETIME)

/** The lifetimes of a client; no access token outlives `tokenCap` seconds. */
export function lifetimesOf(client: ClientMetadata, tokenCap: number): Lifetimes {
  return {
    accessToken: Math.min(client.access_token_expires_in ?? DEFAULTS.accessToken, tokenCap),
    refreshToken: bounded(client.refresh_token_expires_in ?? DEFAULTS.refreshToken),
    refreshTokenIdle: bounded(client.refresh_token_idle_expires_in ?? DEFAULTS.refreshTokenIdle),
    refreshTokenGrace: client.refresh_token_grace ?? DEFAULTS.grace,
  }
}

/**
 * How long an access token lives: without `offline_access` not longer than the session, whose time runs out without an event
 * that anybody could be told of.
 */
export const tokenLife = (lifetime: number, scope: readonly string[], sessionLeft: number): number =>
  scope.includes('offline_access') ? lifetime : Math.min(lifetime, sessionLeft)
