import type { Clock, Ended, Scope, TokenFacts } from '@ledgate/revocation'
import { VerifierError } from '../error/index.ts'
import type { Principal } from '../principal/index.ts'
import { allowManyListeners } from './abort-listeners.ts'
import { watchedNames } from './watched-names.ts'

/** Abort signals for tokens in use: one for each token, however many connections it opened. */
export interface Watchers {
  watch(principal: Principal): AbortSignal
  /** Aborts the signals of the tokens that this revokes. */
  revoke(ended: Ended): void
  close(): void
  readonly size: number
}

export interface WatchersOptions {
  readonly clock: Pick<Clock, 'wall'>
  /** Seconds after `exp` for which a token is still accepted. */
  readonly toleranceSeconds: number
  readonly endedBy: (facts: TokenFacts) => Scope | undefined
  /** Whether the feed is so stale that every token is refused. */
  readonly isStale: () => boolean
}

/** A watched token. It does not hold the principal, which may be garbage long before the token expires. */
interface Watched {
  readonly token: string
  readonly facts: TokenFacts
  readonly controller: AbortController
  /** Whole seconds since the epoch. */
  readonly expiresAt: number
}

type Cause = 'token_revoked' | 'token_expired' | 'verifier_stale' | 'verifier_not_ready'

const TICK_MS = 1_000

/** Identifies a token by everything that a notice or the clock can end it by. */
const tokenOf = ({ exp, facts }: Principal): string => JSON.stringify([exp, facts])

const aborted = (code: Cause): AbortSignal => AbortSignal.abort(new VerifierError(code))

/** Watchers of the tokens of one issuer. */
export function watchers({ clock, toleranceSeconds, endedBy, isStale }: WatchersOptions): Watchers {
  const byToken = new Map<string, Watched>()
  const byName = watchedNames<Watched>()
  const bySecond = new Map<number, Set<Watched>>()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  const keep = (watched: Watched): void => {
    byToken.set(watched.token, watched)
    byName.add(watched)
    const sameSecond = bySecond.get(watched.expiresAt)
    if (sameSecond === undefined) bySecond.set(watched.expiresAt, new Set([watched]))
    else sameSecond.add(watched)
    timer ??= setInterval(tick, TICK_MS).unref()
  }

  const finish = (watched: Watched, code: Cause, detail: string): void => {
    byToken.delete(watched.token)
    byName.remove(watched)
    const sameSecond = bySecond.get(watched.expiresAt)
    sameSecond?.delete(watched)
    if (sameSecond?.size === 0) bySecond.delete(watched.expiresAt)
    if (byToken.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
    watched.controller.abort(new VerifierError(code, { detail }))
  }

  const finishAll = (code: Cause, detail: string): void => {
    for (const watched of [...byToken.values()]) finish(watched, code, detail)
  }

  /** Compares with the clock at each tick, so that a machine that slept catches up at the first. */
  function tick(): void {
    if (isStale()) finishAll('verifier_stale', 'the revocation feed is stale')
    const now = clock.wall() / 1000
    for (const [second, set] of [...bySecond])
      if (second <= now) for (const watched of [...set]) finish(watched, 'token_expired', 'expired while in use')
  }

  return {
    watch(principal) {
      if (isClosed) return aborted('verifier_not_ready')
      if (endedBy(principal.facts) !== undefined) return aborted('token_revoked')
      const expiresAt = Math.ceil(principal.exp + toleranceSeconds)
      if (expiresAt <= clock.wall() / 1000) return aborted('token_expired')
      if (isStale()) return aborted('verifier_stale')
      const token = tokenOf(principal)
      const known = byToken.get(token)
      if (known !== undefined) return known.controller.signal
      const controller = new AbortController()
      // Each connection of the token adds a listener: that is no leak.
      allowManyListeners(controller.signal)
      keep({ token, facts: principal.facts, controller, expiresAt })
      return controller.signal
    },
    revoke({ scope: endedScope, id }) {
      const concerned = endedScope === 'issuer' ? [...byToken.values()] : byName.named(endedScope, id)
      for (const watched of concerned) {
        const scope = endedBy(watched.facts)
        if (scope !== undefined) finish(watched, 'token_revoked', `revoked by ${scope}`)
      }
    },
    close() {
      isClosed = true
      finishAll('verifier_not_ready', 'closed')
    },
    get size() {
      return byToken.size
    },
  }
}
