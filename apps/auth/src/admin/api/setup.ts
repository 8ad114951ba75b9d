import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { OAuthError } from '@ledgate/oauth'
import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { type Accounts } from '../users/index.ts'
import { changeUser, readUser, UnknownAccount, type UserState } from '../../user/index.ts'
import { type PasswordPolicy } from '../../password/index.ts'
import { TypedAddress } from '../../email-address/index.ts'
import { ADMINISTRATOR, type Administrators, AlreadySetUp, TooManyAdministrators } from '../administrators/index.ts'
import { parse, type RequestContext } from '../../http/index.ts'
import { type Authority, type Clock, type CommandContext, consequenceOf, type EventLog } from '../../log/index.ts'

/** Seconds for which the token that was shown at the start makes the first administrator. */
const SETUP_LIFETIME = 3_600

/** The right to make the first administrator: a token that whoever sees the console has. */
export interface Setup {
  readonly token: string
  /** Whether this is the token, it is still time, and there is no administrator yet. */
  accepts(token: string): Promise<boolean>
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** A token of this process; it is kept nowhere. */
export function openSetup(administrators: Pick<Administrators, 'isEmpty'>, clock: Clock): Setup {
  const token = randomBytes(32).toString('base64url')
  const until = clock.now() + SETUP_LIFETIME
  return {
    token,
    accepts: async (offered) =>
      timingSafeEqual(digest(offered), digest(token)) && clock.now() < until && (await administrators.isEmpty()),
  }
}

export interface SetupDependencies {
  readonly setup: Setup
  readonly log: EventLog
  readonly accounts: Pick<Accounts, 'create'>
  readonly administrators: Pick<Administrators, 'addFirst'>
  readonly policy: PasswordPolicy
  readonly requests: RequestContext
}

const SetupRequest = z.strictObject({
  token: z.string().max(256).meta({ description: 'from the console of the server, within an hour of its start' }),
  email: TypedAddress,
  password: z.string(),
})

const SetupAnswer = z.object({ sub: z.string() })

/** Whether there is an administrator, and whether the token was wrong, is not told. */
class SetupRefused extends OAuthError {
  constructor(detail: string, options?: ErrorOptions) {
    super('access_denied', 403, 'access denied', { ...options, detail })
  }
}

async function rightsOf(log: EventLog, sub: string): Promise<Pick<UserState, 'roles' | 'entitlements'>> {
  const found = await readUser(log, sub)
  if (found === undefined) throw new UnknownAccount()
  return found.state
}

/** Why a user with the role is not added to the list. */
const UNDONE_AT = [AlreadySetUp, SetupRefused, TooManyAdministrators]

/**
 * Makes the first administrator, once, without any mail. The role comes before the place on the list: cut off in
 * between, no one administers yet and the token is still good.
 */
export const setupRoutes: FastifyPluginAsync<SetupDependencies> = async (app, dependencies) => {
  const { log, accounts, administrators, policy, requests } = dependencies
  const schema = {
    tags: ['administration'],
    summary: 'Make the first administrator by the one-time token of the console',
    body: SetupRequest,
    response: { 201: SetupAnswer },
  }
  app.post('/admin/setup', { schema }, async (request, reply) => {
    const { token, email, password } = parse(SetupRequest, request.body)
    const authority: Authority = {
      async establish() {
        if (!(await dependencies.setup.accepts(token)))
          throw new SetupRefused('the setup token is wrong, expired or already used')
      },
    }
    await authority.establish()
    await policy.check(password, email)
    const context = { ...requests.of(request, { type: 'operator', id: 'setup' }), authority }
    const at = (step: string) => ({ ...context, commandId: `${context.commandId}/${step}` })
    const { sub } = await accounts.create({ email, password }, at('create'))
    const { roles, entitlements } = await rightsOf(log, sub)
    const assign = (to: readonly string[], by: CommandContext) =>
      changeUser(log, sub, { type: 'AssignRoles', roles: to, entitlements }, by)
    const { position } = await assign([...new Set([...roles, ADMINISTRATOR])], at('roles'))
    try {
      await administrators.addFirst(sub, at('first'))
    } catch (error) {
      if (!UNDONE_AT.some((refused) => error instanceof refused)) throw error
      await assign(roles, consequenceOf(at('undo')))
      throw new SetupRefused('setup already completed', { cause: error })
    }
    return reply.code(201).headers({ 'cache-control': 'no-store', 'ledgate-position': position }).send({ sub })
  })
}
