import { InvalidToken, OAuthError, TemporarilyUnavailable } from '@ledgate/oauth'
import { ERASED, type Sealer } from '@ledgate/vault'
import { type ChangedUser, changeUser, readUser, unlessErased, type UserState } from '../user/index.ts'
import { type ChangeEmail, type OwnPassword, type PasswordProof } from '../account/index.ts'
import { changeGrant, readGrant } from '../grant/index.ts'
import type { Bearer, VerdictDependencies } from '../introspection/index.ts'
import type { CommandContext } from '../log/index.ts'
import { changeSession, readSession } from '../session/index.ts'
import type { TokenAnswer, TokenDependencies } from '../token/index.ts'
import type { Views } from '../views/index.ts'
import { continueGrant } from './continuation.ts'

export interface SelfServiceDependencies extends Omit<TokenDependencies, 'signIn'>, VerdictDependencies {
  readonly sealer: Sealer
  readonly password: OwnPassword
  readonly email: Pick<ChangeEmail, 'ask'>
  readonly views: Pick<Views, 'sessions' | 'grants' | 'waitFor'>
}

/** Who asks, as the access token says, and the command. */
export interface Asking {
  readonly sub: string
  readonly gid: string
  readonly sid: string
  readonly bearer: Bearer
  /** Its authority is the token. */
  readonly context: CommandContext
  /** When the request was taken; whole seconds since the epoch. */
  readonly now: number
}

/** A command that ended everything there was of its user is done, and so it says, whatever became of the tokens. */
export interface EverythingEnded {
  readonly position: string
  /** Of the grant that goes on in place of the one that asked; none when that had ended by itself, or cannot be had today. */
  readonly tokens: TokenAnswer['tokens'] | undefined
  /** Why there are none; for our logs. */
  readonly cause?: unknown
}

/** What a user sees of the own account. Times are in seconds since the epoch. */
export interface Profile {
  readonly sub: string
  readonly email: string
  readonly email_verified: boolean
  readonly name?: string
  readonly registered_at: number
  readonly password_set_at: number
}

/** It does not exist or belongs to another user; the response does not tell which. */
class NotOwn extends OAuthError {
  constructor(what: string) {
    super('not_found', 404, `unknown ${what}`)
  }
}

const gone = (cause?: unknown) => new InvalidToken('the user of the token was erased', { cause })

/** Milliseconds a list waits for the views to hold what was written before it was asked for. */
const FRESH_WITHIN_MS = 5_000
const PAGE = 1_000

/** What users do with their own account. */
export function openSelfService(dependencies: SelfServiceDependencies) {
  const { log, sealer, password, email, views } = dependencies

  async function userOf(sub: string): Promise<UserState> {
    const found = await readUser(log, sub)
    if (found === undefined || found.state.erased) throw gone()
    return found.state
  }

  /** A list shows whatever was answered before it was asked for, by any replica. */
  async function fresh(): Promise<typeof views> {
    const head = await log.store.head()
    if (!(await views.waitFor(head, FRESH_WITHIN_MS)))
      throw new TemporarilyUnavailable('the views have not caught up yet')
    return views
  }

  /** Pages of a list, one after the other. */
  function all<Entry>(page: (after: string | undefined) => readonly Entry[], keyOf: (entry: Entry) => string): Entry[] {
    const entries: Entry[] = []
    for (;;) {
      const last = entries.at(-1)
      const more = page(last === undefined ? undefined : keyOf(last))
      entries.push(...more)
      if (more.length < PAGE) return entries
    }
  }

  async function ended(asking: Asking, { state, position }: ChangedUser, isProved: boolean): Promise<EverythingEnded> {
    try {
      return await continueGrant(dependencies, asking, state, isProved)
    } catch (cause) {
      return { position, tokens: undefined, cause }
    }
  }

  return {
    async profile(sub: string): Promise<Profile> {
      const user = await userOf(sub)
      const address = await sealer.unseal(user.email, 'email')
      const name = user.name === undefined ? undefined : await sealer.unseal(user.name, 'name')
      if (address === ERASED || name === ERASED) throw gone()
      const { email_verified, registered_at, password_set_at } = user
      return {
        sub,
        email: address,
        email_verified,
        ...(name !== undefined && { name }),
        registered_at,
        password_set_at,
      }
    },

    /** @param name nothing takes it away. */
    async rename({ sub, context }: Asking, name: string | null): Promise<{ position: string }> {
      const { data_key } = await userOf(sub)
      const sealed = name === null ? undefined : await sealer.seal(data_key, 'name', name)
      const { position } = await changeUser(log, sub, { type: 'ChangeName', name: sealed }, context)
      return { position }
    },

    /** Every session and grant ends, and the one that asks goes on with a new grant. */
    async changePassword(asking: Asking, proof: PasswordProof, chosen: string): Promise<EverythingEnded> {
      return ended(asking, await password.change(proof, chosen), true)
    },

    /** Whoever reads the mail of the new address confirms it; until then nothing changes. */
    async changeEmail({ context }: Asking, proof: PasswordProof, address: string): Promise<void> {
      await unlessErased(gone, async () => email.ask(await password.prove(proof), address, context))
    },

    /** Those by which somebody is signed in now. */
    async sessions({ sub, sid, now }: Asking) {
      const { epoch } = await userOf(sub)
      const { sessions } = await fresh()
      const mine = all(
        (after) => sessions.ofUser(sub, { after, limit: PAGE }),
        (session) => session.sid,
      )
      return mine
        .filter((each) => each.user_epoch >= epoch && now < each.expires_at && now < each.idle_expires_at)
        .map(({ sid: id, auth_time, amr, touched_at, expires_at }) => ({
          sid: id,
          auth_time,
          amr,
          touched_at,
          expires_at,
          current: id === sid,
        }))
    },

    /** @throws {NotOwn} */
    async endSession({ sub, context }: Asking, sid: string): Promise<void> {
      const [found, { data_key: dataKey }] = [await readSession(log, sid), await userOf(sub)]
      if (found === undefined || found.state.sub !== sub) throw new NotOwn('session')
      await changeSession(log, sid, { type: 'Revoke', reason: 'by its person' }, { context, dataKey })
    },

    /** All others end, also those that begin at this moment; the one that asks goes on with a new grant. */
    async endOtherSessions(asking: Asking): Promise<EverythingEnded> {
      const { user_epoch: epoch } = asking.bearer.members
      if (typeof epoch !== 'number') throw new InvalidToken('the token has no auth_time')
      const command = { type: 'RevokeSessions', reason: 'by the person', epoch } as const
      return ended(asking, await changeUser(log, asking.sub, command, asking.context), false)
    },

    /** What clients may do for the user now. */
    async grants({ sub, gid, now }: Asking) {
      const { epoch } = await userOf(sub)
      const { grants } = await fresh()
      const mine = all(
        (after) => grants.ofUser(sub, { after, limit: PAGE }),
        (grant) => grant.gid,
      )
      return mine
        .filter((each) => each.user_epoch >= epoch && (each.expires_at === null || now < each.expires_at))
        .map(({ gid: id, client_id, sid, scope, aud, opened_at, refreshed_at, expires_at }) => ({
          gid: id,
          client_id,
          sid,
          scope: scope.join(' '),
          aud,
          opened_at,
          refreshed_at,
          expires_at,
          current: id === gid,
        }))
    },

    /** @throws {NotOwn} */
    async endGrant({ sub, context }: Asking, gid: string): Promise<void> {
      const [found, { data_key: dataKey }] = [await readGrant(log, gid), await userOf(sub)]
      if (found === undefined || found.state.sub !== sub) throw new NotOwn('grant')
      await changeGrant(log, gid, { type: 'Revoke', reason: 'by its person' }, { context, dataKey })
    },
  }
}

export type SelfService = ReturnType<typeof openSelfService>
