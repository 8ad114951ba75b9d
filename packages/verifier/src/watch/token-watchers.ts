import { setMaxListeners } from 'node:events'
import type { Ended, Scope, TokenFacts } from '@ledgate/revocation'
import { VerifierError } from '../error/index.ts'
import type { Clock } from '@ledgate/revocation'
import type { Principal } from '../principal/index.ts'
import { watchedNames } from './watched-names.ts'

/** Those who want to know when a principal's token is good no more. One signal a token, however many connections it opened. */
export interface Watchers {
  watch(principal: Principal): AbortSignal
  /** Aborts those that this ends: looked up by the name in its scope, not searched for. */
  ended(ended: Ended): void
  close(): void
  readonly size: number
}

export interface WatchersOptions {
  readonly clock: Pick<Clock, 'wall'>
  /** How long after `exp` a token is still taken. */
  readonly toleranceSeconds: number
  readonly endedBy: (facts: TokenFacts) => Scope | undefined
  /** Whether the feed is so stale that every token is refused: nobody could say that one has ended. */
  readonly isStale: () => boolean
}

/** What is kept of a watched token: not the principal, which its connections may have let go long before it expires. */
interface Watched {
  readonly token: string
  readonly facts: TokenFacts
  readonly controller: AbortController
  /** Whole seconds since the epoch. */
  readonly expiresAt: number
}

type Ending = 'token_revoked' | 'token_expired' | 'verifier_stale' | 'verifier_not_ready'

const TICK_MS = 1_000

/** What makes two principals the same token: all that a notice or the clock can end it by. */
const tokenOf = ({ exp, facts }: Principal): string => JSON.stringify([exp, facts])

const aborted = (code: Ending): AbortSignal => AbortSignal.abort(new VerifierError(code))

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

  const finish = (watched: Watched, code: Ending, detail: string): void => {
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

  const finishAll = (code: Ending, detail: string): void => {
    for (const watched of [...byToken.values()]) finish(watched, code, detail)
  }

  /** By the clock at every tick, so that a machine that slept catches up with the first. */
  function tick(): void {
    if (isStale()) finishAll('verifier_stale', 'revocations are too far behind')
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
      // As many connections as a token opens listen to it: that is no leak.
      setMaxListeners(0, controller.signal)
      keep({ token, facts: principal.facts, controller, expiresAt })
      return controller.signal
    },
    ended({ scope: endedScope, id }) {
      const concerned = endedScope === 'issuer' ? [...byToken.values()] : byName.named(endedScope, id)
      for (const watched of concerned) {
        const scope = endedBy(watched.facts)
        if (scope !== undefined) finish(watched, 'token_revoked', `ended by ${scope}`)
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
