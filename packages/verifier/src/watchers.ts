import { setMaxListeners } from 'node:events'
import type { Ended, Scope, TokenFacts } from '@ledgate/revocation'
import { VerifierError } from './errors.ts'
import type { Clock, Principal } from './types.ts'

/** Those who want to know when a principal's token ends. One signal a token, however many connections it opened. */
export interface Watchers {
  /** @param endedBy whether it has ended already. */
  watch(principal: Principal, endedBy: (facts: TokenFacts) => Scope | undefined): AbortSignal
  /** Aborts those that this ends: looked up by the name in its scope, not searched for. */
  ended(ended: Ended, endedBy: (facts: TokenFacts) => Scope | undefined): void
  close(): void
  readonly size: number
}

interface Watched {
  readonly principal: Principal
  readonly controller: AbortController
  readonly names: readonly string[]
  /** Whole seconds since the epoch. */
  readonly expiresAt: number
}

const TICK_MS = 1_000

const name = (scope: Scope, id: string): string => `${scope === 'online_session' ? 'session' : scope}\n${id}`

/** Under which names a notice can concern a token. */
function namesOf({ issuer, facts }: Principal): readonly string[] {
  const { jti, client_id: clientId, sub, kid, sid, gid } = facts
  return [
    name('issuer', issuer),
    name('client', clientId),
    name('user', sub),
    name('jti', jti),
    name('key', kid),
    ...(sid === undefined ? [] : [name('session', sid)]),
    ...(gid === undefined ? [] : [name('grant', gid)]),
  ]
}

/** Sets by key: one that is empty is gone. */
function add<Key>(sets: Map<Key, Set<Watched>>, key: Key, watched: Watched): void {
  const set = sets.get(key)
  if (set === undefined) sets.set(key, new Set([watched]))
  else set.add(watched)
}

function remove<Key>(sets: Map<Key, Set<Watched>>, key: Key, watched: Watched): void {
  const set = sets.get(key)
  set?.delete(watched)
  if (set?.size === 0) sets.delete(key)
}

/** Watchers of the tokens of one issuer. @param toleranceSeconds how long after `exp` a token is still taken. */
export function watchers(clock: Pick<Clock, 'wall'>, toleranceSeconds: number): Watchers {
  const byToken = new Map<string, Watched>()
  const byName = new Map<string, Set<Watched>>()
  const bySecond = new Map<number, Set<Watched>>()
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  const finish = (watched: Watched, code: 'token_revoked' | 'token_expired' | 'verifier_not_ready', detail: string) => {
    byToken.delete(tokenKey(watched.principal))
    for (const each of watched.names) remove(byName, each, watched)
    remove(bySecond, watched.expiresAt, watched)
    if (byToken.size === 0) {
      clearInterval(timer)
      timer = undefined
    }
    watched.controller.abort(new VerifierError(code, { detail }))
  }

  /** By the clock at every tick, so that a machine that slept catches up with the first. */
  const expire = (): void => {
    const now = clock.wall() / 1000
    for (const [second, set] of [...bySecond])
      if (second <= now) for (const watched of [...set]) finish(watched, 'token_expired', 'expired while in use')
  }

  const aborted = (code: 'token_revoked' | 'token_expired' | 'verifier_not_ready'): AbortSignal =>
    AbortSignal.abort(new VerifierError(code))

  return {
    watch(principal, endedBy) {
      if (isClosed) return aborted('verifier_not_ready')
      if (endedBy(principal.facts) !== undefined) return aborted('token_revoked')
      const expiresAt = Math.ceil(principal.exp + toleranceSeconds)
      if (expiresAt <= clock.wall() / 1000) return aborted('token_expired')
      const known = byToken.get(tokenKey(principal))
      if (known !== undefined) return known.controller.signal
      const watched = { principal, controller: new AbortController(), names: namesOf(principal), expiresAt }
      // As many connections as a token opens listen to it: that is no leak.
      setMaxListeners(0, watched.controller.signal)
      byToken.set(tokenKey(principal), watched)
      for (const each of watched.names) add(byName, each, watched)
      add(bySecond, expiresAt, watched)
      timer ??= setInterval(expire, TICK_MS).unref()
      return watched.controller.signal
    },
    ended(ended, endedBy) {
      for (const watched of [...(byName.get(name(ended.scope, ended.id)) ?? [])]) {
        const scope = endedBy(watched.principal.facts)
        if (scope !== undefined) finish(watched, 'token_revoked', `ended by ${scope}`)
      }
    },
    close() {
      isClosed = true
      for (const watched of [...byToken.values()]) finish(watched, 'verifier_not_ready', 'closed')
    },
    get size() {
      return byToken.size
    },
  }
}

/** What makes two principals the same token: all that a notice or the clock can end it by. */
const tokenKey = ({ exp, facts }: Principal): string => JSON.stringify([exp, facts])
