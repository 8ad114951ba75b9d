import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { rounds } from '../../../rounds.ts'
import type { Answer, Requests } from './requests.ts'
import { ANN, BATCH, WEB } from './world.ts'

/** What a server acknowledged, as those remember it who were told. */
export interface Memory {
  /** The `jti` of every access token that was answered. */
  readonly issued: Map<string, string>
  /** Tokens whose revocation was asked for, whether it was answered or not. */
  readonly doomed: Set<string>
  /** Tokens whose revocation was answered. */
  readonly revoked: Set<string>
  /** Addresses whose registration was answered. */
  readonly registered: Set<string>
  /** The newest refresh token of each chain, and the attempt at which it is, or would be, used. */
  readonly renewable: Map<string, string>
  /** Promises that were broken, in words. */
  readonly broken: string[]
  /** Answers that came only when they were asked for again. */
  repeated: number
}

export const newMemory = (): Memory => ({
  issued: new Map(),
  doomed: new Set(),
  revoked: new Set(),
  registered: new Set(),
  renewable: new Map(),
  broken: [],
  repeated: 0,
})

export const PASSWORD = 'registered in a storm'

/** Milliseconds between two requests of one of them: what is proved by one kill needs a few requests, not a busy machine. */
const REST_MS = rounds({ quick: 20, long: 0 })

const generationOf = (refreshToken: string): number => Number(refreshToken.split('.')[3])

/** Users and services that use a server all the time, whatever becomes of it, and remember what they were told. */
export function users({ token, refresh, revoke, json }: Requests, memory: Memory, signal: AbortSignal) {
  /** Asks until an answer comes; one that the server could not give counts as none. Nothing once it is over. */
  async function insist(ask: () => Promise<Answer>): Promise<Answer | undefined> {
    for (let tries = 0; !signal.aborted; tries += 1) {
      const answer = await ask().catch(() => undefined)
      if (answer !== undefined && answer.status !== 503) {
        if (tries > 0) memory.repeated += 1
        return answer
      }
      await pause(10)
    }
    return undefined
  }

  function remember({ body }: Answer): void {
    const accessToken = String(body['access_token'])
    memory.issued.set(String(decodeJwt(accessToken).jti), accessToken)
  }

  async function service(): Promise<void> {
    while (!signal.aborted) {
      const answer = await token({ grant_type: 'client_credentials' }, BATCH).catch(() => undefined)
      if (answer?.status === 200) remember(answer)
      await pause(answer?.status === 200 ? REST_MS : 5)
    }
  }

  async function revoking(): Promise<void> {
    while (!signal.aborted) {
      const answer = await insist(() => token({ grant_type: 'client_credentials' }, BATCH))
      if (answer === undefined) return
      remember(answer)
      const accessToken = String(answer.body['access_token'])
      memory.doomed.add(accessToken)
      const revoked = await insist(() => revoke(accessToken, BATCH))
      if (revoked?.status === 200) memory.revoked.add(accessToken)
      await pause(20)
    }
  }

  /** Signs in once and renews for ever: the session must never be lost, and each renewal has one successor. */
  async function person(): Promise<void> {
    const first = await insist(() =>
      token({ grant_type: 'password', username: ANN.email, password: ANN.password }, WEB),
    )
    if (first === undefined) return
    remember(first)
    let current = String(first.body['refresh_token'])
    while (!signal.aborted) {
      const attempt = randomUUID()
      memory.renewable.set(current, attempt)
      const answer = await insist(() => refresh(current, { refresh_attempt: attempt }))
      if (answer === undefined) return
      memory.renewable.delete(current)
      if (answer.status !== 200) return void memory.broken.push(`a session was lost: ${answer.text}`)
      remember(answer)
      const successor = String(answer.body['refresh_token'])
      if (generationOf(successor) !== generationOf(current) + 1)
        memory.broken.push(`the successor of ${generationOf(current)} is ${generationOf(successor)}`)
      const again = await insist(() => refresh(current, { refresh_attempt: attempt }))
      if (again !== undefined && again.body['refresh_token'] !== successor)
        memory.broken.push(`a retry got another answer: ${again.status}`)
      current = successor
      await pause(REST_MS)
    }
  }

  async function registering(): Promise<void> {
    while (!signal.aborted) {
      const email = `${randomUUID()}@example.com`
      const answer = await json('/accounts', { email, password: PASSWORD }).catch(() => undefined)
      if (answer?.status === 202) memory.registered.add(email)
      await pause(30 + REST_MS)
    }
  }

  const many = (count: number, work: () => Promise<void>) => Array.from({ length: count }, work)
  return Promise.all([...many(6, service), ...many(3, revoking), ...many(8, person), ...many(2, registering)])
}
