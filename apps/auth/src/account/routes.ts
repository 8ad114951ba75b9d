import { InvalidRequest, OAuthError } from '@ledgate/oauth'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { formsToo, isForm, parse, type RequestContext } from '../http/index.ts'
import { LinkText } from '../mail/index.ts'
import { PAGE_HEADERS } from '../html/index.ts'
import { InvalidLink, TypedAddress } from '../email-address/index.ts'
import { type Confirm, type Proof } from './confirm.ts'
import { confirmedPage, confirmPage, spentConfirmLinkPage, laterPage } from './confirm-page.ts'
import { InvalidPassword, MAX_PASSWORD, MIN_PASSWORD, WrongPassword } from '../password/index.ts'
import { PersonName } from '../user/index.ts'
import type { Register } from './register.ts'
import { ANONYMOUS } from '../log/index.ts'

const RegistrationRequest = z
  .strictObject({
    email: TypedAddress,
    password: z.string().meta({ description: `${MIN_PASSWORD} to ${MAX_PASSWORD} characters of any Unicode` }),
    name: PersonName.optional(),
  })
  .meta({ description: 'Who wants an account' })

const Accepted = z.object({ status: z.literal('accepted') })

const ConfirmationRequest = z.strictObject({
  token: LinkText,
  password: z.string().optional().meta({ description: 'the password of the registration' }),
  new_password: z.string().optional().meta({ description: 'or a new one' }),
})

const Confirmed = z.object({ status: z.literal('confirmed') })

const ConfirmQuery = z.object({ token: LinkText.default('') })

/** What the endpoints of accounts need. */
export interface AccountRoutesDependencies {
  readonly register: Pick<Register, 'register'>
  readonly confirm: Confirm
  readonly requestContext: RequestContext
}

/** Exactly one of the two passwords. @throws {InvalidRequest} */
function proofOf({ password, new_password }: z.output<typeof ConfirmationRequest>): Proof {
  if ((password === undefined) === (new_password === undefined))
    throw new InvalidRequest('exactly one of password and new_password is required')
  return password === undefined ? { kind: 'new', password: new_password ?? '' } : { kind: 'registered', password }
}

const sendPage = (reply: FastifyReply, status: number, text: string) =>
  reply.code(status).headers(PAGE_HEADERS).send(text)

/** The page for an error; `undefined` when it is not one that the user can do anything about. */
function problemPage(error: unknown, token: string): { status: number; text: string } | undefined {
  if (error instanceof InvalidLink) return { status: 400, text: spentConfirmLinkPage() }
  if (error instanceof WrongPassword)
    return { status: 400, text: confirmPage(token, 'That is not the password of the registration.') }
  if (error instanceof InvalidPassword)
    return { status: 400, text: confirmPage(token, `Please choose another one: ${error.message}.`) }
  if (error instanceof InvalidRequest)
    return { status: 400, text: confirmPage(token, 'Please fill in exactly one of the two passwords.') }
  if (error instanceof OAuthError && error.status === 503) return { status: 503, text: laterPage() }
  return undefined
}

/** Answers an error of the page's form with a page; everything else goes the way of all errors. */
async function sendProblem(error: unknown, reply: FastifyReply, token: string): Promise<FastifyReply> {
  const problem = problemPage(error, token)
  if (problem === undefined) throw error
  reply.request.log.info({ detail: error instanceof OAuthError ? error.detail : undefined }, 'form rejected')
  if (error instanceof OAuthError) reply.headers(error.headers)
  return sendPage(reply, problem.status, problem.text)
}

function registration(app: FastifyInstance, { register, requestContext }: AccountRoutesDependencies): void {
  const schema = {
    tags: ['accounts'],
    summary: 'Register a person; the answer is the same whether the address is known or not',
    body: RegistrationRequest,
    response: { 202: Accepted },
  }
  app.post('/accounts', { schema }, async (request, reply) => {
    await register.register(parse(RegistrationRequest, request.body), requestContext.of(request, ANONYMOUS))
    return reply.code(202).header('cache-control', 'no-store').send({ status: 'accepted' })
  })
}

function confirmation(app: FastifyInstance, { confirm, requestContext }: AccountRoutesDependencies): void {
  const query = { tags: ['accounts'], summary: 'The page of a mailed link; opening it changes nothing' }
  app.get('/accounts/confirm', { schema: { ...query, querystring: ConfirmQuery } }, async (request, reply) => {
    const { token } = parse(ConfirmQuery, request.query)
    try {
      await confirm.check(token)
      return await sendPage(reply, 200, confirmPage(token))
    } catch (error) {
      return sendProblem(error, reply, token)
    }
  })

  const redeem = async (request: FastifyRequest) => {
    const body = parse(ConfirmationRequest, request.body)
    const context = requestContext.of(request, ANONYMOUS)
    const source = requestContext.source(request)
    return confirm.confirm({ token: body.token, proof: proofOf(body), source, context })
  }
  const schema = {
    tags: ['accounts'],
    summary: 'Confirm an address with a mailed link and the password of the registration, or a new one',
    body: ConfirmationRequest,
    response: { 200: Confirmed },
  }
  app.post('/accounts/confirm', { schema, attachValidation: true }, async (request, reply) => {
    try {
      const { position } = await redeem(request)
      reply.headers({ 'cache-control': 'no-store', 'ledgate-position': position })
      return isForm(request) ? await sendPage(reply, 200, confirmedPage()) : await reply.send({ status: 'confirmed' })
    } catch (error) {
      if (!isForm(request)) throw error
      const token = ConfirmQuery.safeParse(request.body)
      return sendProblem(error, reply, token.success ? token.data.token : '')
    }
  })
}

/** `/accounts` and `/accounts/confirm`. */
export const accountRoutes: FastifyPluginAsync<AccountRoutesDependencies> = async (app, dependencies) => {
  formsToo(app)
  registration(app, dependencies)
  confirmation(app, dependencies)
}
