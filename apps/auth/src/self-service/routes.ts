import { InvalidToken } from '@ledgate/oauth'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { PersonName, unlessErased } from '../user/index.ts'
import { TypedAddress } from '../email-address/index.ts'
import { parse, type RequestContext } from '../http/index.ts'
import { presentedToken, type VerdictDependencies } from '../introspection/index.ts'
import type { Clock } from '../log/index.ts'
import type { Asking, EverythingEnded, SelfService } from './self-service.ts'
import { ACCOUNT_SCOPE, accountAudience } from './account-resource.ts'

export interface SelfServiceRoutesDependencies extends VerdictDependencies {
  readonly account: SelfService
  readonly requests: RequestContext
  readonly clock: Clock
}

const ProfileRequest = z.strictObject({ name: PersonName.nullable() })
const PasswordRequest = z.strictObject({ current_password: z.string(), new_password: z.string() })
const EmailRequest = z.strictObject({ email: TypedAddress, password: z.string() })
const Id = z.string().regex(/^[0-9a-f]{32}$/, { error: 'is not an id' })

const TOKENS =
  'revokes every other session, grant and token; answers the tokens of a new grant, or 204 when the grant cannot be continued'

/** `/accounts/me`: what users do with their own account. */
export const selfServiceRoutes: FastifyPluginAsync<SelfServiceRoutesDependencies> = async (app, dependencies) => {
  const { account, requests, clock, issuer } = dependencies
  const askers = new WeakMap<FastifyRequest, Asking>()

  // Before the body is read: whoever may not is told nothing about it.
  app.addHook('onRequest', async (request) => {
    const now = clock.now()
    const purpose = { audience: accountAudience(issuer), scope: ACCOUNT_SCOPE }
    const bearer = await presentedToken(dependencies, request, purpose)
    const { sub, sid, gid, client_id } = bearer.members
    if (typeof sid !== 'string' || typeof gid !== 'string') throw new InvalidToken('the token is not that of a user')
    const context = requests.of(request, { type: 'user', id: String(sub) }, String(client_id))
    askers.set(request, { sub: String(sub), sid, gid, bearer, context: { ...context, authority: bearer }, now })
  })

  // Who is erased while the request is under way is as gone as somebody who was erased before.
  app.setErrorHandler((error) =>
    unlessErased(
      (cause) => new InvalidToken('the user of the token was erased', { cause }),
      () => Promise.reject(error),
    ),
  )

  // The body has come, and what the token was good for may have ended meanwhile.
  app.addHook('preValidation', async (request) => askers.get(request)?.bearer.establish())

  /** Whoever asks, for a command that is decided by what their token is good for then. */
  async function decided<Result>(
    request: FastifyRequest,
    command: (asking: Asking) => Promise<Result>,
  ): Promise<Result> {
    const asking = askers.get(request)
    if (asking === undefined) throw new InvalidToken('the request was not authenticated')
    return asking.bearer.decide(() => command(asking))
  }

  /** Another command of the same request: a sign-in and a change are two. */
  const proofOf = (request: FastifyRequest, { sub, context }: Asking, password: string) => ({
    sub,
    password,
    source: requests.source(request),
    context,
  })

  function sendTokens(reply: FastifyReply, { position, tokens, cause }: EverythingEnded) {
    const answer = reply.headers({ 'cache-control': 'no-store', 'ledgate-position': position })
    if (tokens !== undefined) return answer.send(tokens)
    reply.log.warn({ err: cause }, 'sessions were revoked, and the requesting grant could not be continued')
    return answer.code(204).send()
  }

  const schema = (summary: string, more: object = {}) => ({
    tags: ['own account'],
    summary,
    security: [{ bearer: [ACCOUNT_SCOPE] }],
    ...more,
  })

  app.get('/accounts/me', { schema: schema('Who I am') }, async (request, reply) =>
    reply.header('cache-control', 'no-store').send(await decided(request, ({ sub }) => account.profile(sub))),
  )

  app.patch('/accounts/me', { schema: schema('Change my name', { body: ProfileRequest }) }, async (request, reply) => {
    const { name } = parse(ProfileRequest, request.body)
    const { position } = await decided(request, (asking) => account.rename(asking, name))
    return reply.code(204).header('ledgate-position', position).send()
  })

  app.post(
    '/accounts/me/password',
    { schema: schema(`Change my password: ${TOKENS}`, { body: PasswordRequest }) },
    async (request, reply) => {
      const { current_password, new_password } = parse(PasswordRequest, request.body)
      return sendTokens(
        reply,
        await decided(request, (asking) =>
          account.changePassword(asking, proofOf(request, asking, current_password), new_password),
        ),
      )
    },
  )

  app.post(
    '/accounts/me/email',
    { schema: schema('Use another address, once its mailbox is proved', { body: EmailRequest }) },
    async (request, reply) => {
      const { email, password } = parse(EmailRequest, request.body)
      await decided(request, (asking) => account.changeEmail(asking, proofOf(request, asking, password), email))
      return reply.code(202).header('cache-control', 'no-store').send({ status: 'accepted' })
    },
  )

  app.get('/accounts/me/sessions', { schema: schema('Where I am signed in') }, async (request, reply) =>
    reply.header('cache-control', 'no-store').send({ sessions: await decided(request, account.sessions) }),
  )

  app.delete(
    '/accounts/me/sessions',
    { schema: schema(`Sign out everywhere else: ${TOKENS}`) },
    async (request, reply) => sendTokens(reply, await decided(request, account.endOtherSessions)),
  )

  const sessionParams = z.object({ sid: Id })
  app.delete(
    '/accounts/me/sessions/:sid',
    { schema: schema('End this session, its grants and tokens', { params: sessionParams }) },
    async (request, reply) => {
      const { sid } = parse(sessionParams, request.params)
      await decided(request, (asking) => account.endSession(asking, sid))
      return reply.code(204).send()
    },
  )

  app.get('/accounts/me/grants', { schema: schema('What clients may do for me') }, async (request, reply) =>
    reply.header('cache-control', 'no-store').send({ grants: await decided(request, account.grants) }),
  )

  const grantParams = z.object({ gid: Id })
  app.delete(
    '/accounts/me/grants/:gid',
    { schema: schema('Take this grant away, with its tokens', { params: grantParams }) },
    async (request, reply) => {
      const { gid } = parse(grantParams, request.params)
      await decided(request, (asking) => account.endGrant(asking, gid))
      return reply.code(204).send()
    },
  )
}
