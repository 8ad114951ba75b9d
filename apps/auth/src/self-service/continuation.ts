import { InvalidToken } from '@ledgate/oauth'
import type { UserState } from '../user/index.ts'
import { changeGrant } from '../grant/index.ts'
import { continuing, type LiveGrant } from '../introspection/index.ts'
import { consequenceOf, newId } from '../log/index.ts'
import { changeSession } from '../session/index.ts'
import { grantTypes, openGrant, type TokenAnswer } from '../token/index.ts'
import type { Asking, SelfServiceDependencies } from './self-service.ts'

/** Absolute ends of what a grant lasts for; nothing that is asked for without a password makes it last longer. */
const endsOf = ({ grant, parties: { session } }: LiveGrant) => ({
  session: session.state.expires_at,
  refresh: grant.refresh?.expires_at ?? session.state.expires_at,
})

/**
 * A new grant in place of the one whose token ended all others: the same client, scope and resource, and the epochs of the old
 * grant, raised by its user's own command alone. It exists only if the old one would live but for that command: that is
 * asked before it is opened and once it is, so that whatever ended the old one until then leaves no one with a token.
 *
 * @param user after the command.
 * @param isProved whether the user has proved the password for it.
 * @throws {InvalidToken} when something else ended the old grant; what the command did stays done.
 * @throws {OAuthError} when its resource server is disabled by now, or the tokens of today would be too large.
 */
export async function continueGrant(
  dependencies: SelfServiceDependencies,
  { bearer, context, now }: Asking,
  user: UserState,
  isProved: boolean,
): Promise<TokenAnswer> {
  const { log, clock, audiences } = dependencies

  async function liveGrant(): Promise<LiveGrant> {
    const asked = { text: bearer.text, askedAt: now, now: clock.now(), userEpoch: user.epoch }
    const found = await continuing(dependencies, asked)
    if (found === undefined) throw new InvalidToken('the grant that would be continued was revoked meanwhile')
    return found
  }
  const before = await liveGrant()
  const { grant, parties } = before
  const { client, session } = { client: parties.client, session: parties.session.state }
  const ids = { gid: newId(), sid: newId() }
  const authenticated = isProved ? { auth_time: now } : { auth_time: session.auth_time, expires_at: endsOf(before) }
  const answer = await openGrant(dependencies, {
    grantType: grant.grant_type,
    amr: isProved ? grantTypes.password.amr : session.amr,
    client,
    user,
    scope: grant.scope,
    ...(await audiences.granted(grant.aud)),
    context: consequenceOf(context),
    now,
    issuerEpoch: grant.issuer_epoch,
    continued: { ...ids, ...authenticated, client_epoch: grant.client_epoch, hasRefresh: grant.refresh !== null },
  })
  try {
    await liveGrant()
    return answer
  } catch (error) {
    const own = { context: consequenceOf(context), dataKey: user.data_key }
    const reason = 'what it was continued from had ended'
    await changeGrant(log, ids.gid, { type: 'Revoke', reason }, own)
    await changeSession(log, ids.sid, { type: 'Revoke', reason }, own)
    throw error
  }
}
