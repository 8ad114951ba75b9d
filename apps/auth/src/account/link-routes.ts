import { InvalidRequest, OAuthError } from '@ledgate/oauth'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { formsToo, isForm, parse, type RequestContext } from '../http/index.ts'
import { LinkText } from '../mail/index.ts'
import { PAGE_HEADERS } from '../html/index.ts'
import { InvalidLink, TypedAddress } from '../email-address/index.ts'
import type { ChangeEmail } from './change-email.ts'
import { laterPage } from './confirm-page.ts'
import { changeEmailPage, emailChangedPage, resetDonePage, resetPage, spentLinkPage } from './link-page.ts'
import { InvalidPassword } from '../password/index.ts'
import type { Reset } from './reset.ts'
import { ANONYMOUS } from '../log/index.ts'

export interface LinkRoutesDependencies {
  readonly reset: Reset
  readonly changeEmail: Pick<ChangeEmail, 'check' | 'redeem'>
  readonly requestContext: RequestContext
}

const TokenQuery = z.object({ token: LinkText.default('') })
const AskRequest = z.strictObject({ email: TypedAddress })
const ResetRequest = z.strictObject({ token: LinkText, new_password: z.string() })
const EmailRequest = z.strictObject({ token: LinkText })
const Accepted = z.object({ status: z.literal('accepted') })
const Done = z.object({ status: z.enum(['accepted', 'reset', 'changed']) })

/** What a mailed link does, and how it looks. */
interface LinkWork {
  readonly path: string
  readonly done: z.output<typeof Done>['status']
  readonly page: (token: string, problem?: string) => string
  readonly donePage: () => string
  check(token: string): Promise<void>
  redeem(request: FastifyRequest): Promise<{ position: string }>
}

const sendPage = (reply: FastifyReply, status: number, text: string) =>
  reply.code(status).headers(PAGE_HEADERS).send(text)

/** An error as a page; everything that its reader can do nothing about goes the way of all errors. */
function sendProblem(error: unknown, reply: FastifyReply, page: (problem: string) => string): FastifyReply {
  if (!(error instanceof OAuthError)) throw error
  reply.request.log.info({ detail: error.detail }, 'form rejected')
  reply.headers(error.headers)
  if (error instanceof InvalidLink) return sendPage(reply, 400, spentLinkPage())
  if (error instanceof InvalidPassword)
    return sendPage(reply, 400, page(`Please choose another one: ${error.message}.`))
  if (error instanceof InvalidRequest) return sendPage(reply, 400, page('Please fill in the form.'))
  if (error.status === 503) return sendPage(reply, 503, laterPage())
  throw error
}

/** `/accounts/reset` and `/accounts/email`: what the links of emails lead to. Looking changes nothing. */
export const linkRoutes: FastifyPluginAsync<LinkRoutesDependencies> = async (app, dependencies) => {
  const { reset, changeEmail, requestContext } = dependencies
  formsToo(app)

  function serve({ path, done, page, donePage, check, redeem }: LinkWork, body: z.ZodType): void {
    const look = { tags: ['accounts'], summary: 'The page of a mailed link; opening it changes nothing' }
    app.get(path, { schema: { ...look, querystring: TokenQuery } }, async (request, reply) => {
      const { token } = parse(TokenQuery, request.query)
      try {
        await check(token)
        return await sendPage(reply, 200, page(token))
      } catch (error) {
        return sendProblem(error, reply, (problem) => page(token, problem))
      }
    })
    const schema = { tags: ['accounts'], summary: 'Redeem a mailed link', body, response: { 200: Done, 202: Accepted } }
    app.post(path, { schema, attachValidation: true }, async (request, reply) => {
      const asked = AskRequest.safeParse(request.body)
      if (path === '/accounts/reset' && asked.success && !isForm(request)) {
        await reset.ask(asked.data.email, requestContext.of(request, ANONYMOUS))
        return reply.code(202).header('cache-control', 'no-store').send({ status: 'accepted' })
      }
      try {
        const { position } = await redeem(request)
        reply.headers({ 'cache-control': 'no-store', 'ledgate-position': position })
        return isForm(request) ? await sendPage(reply, 200, donePage()) : await reply.send({ status: done })
      } catch (error) {
        if (!isForm(request)) throw error
        const sent = TokenQuery.safeParse(request.body)
        return sendProblem(error, reply, (problem) => page(sent.success ? sent.data.token : '', problem))
      }
    })
  }

  serve(
    {
      path: '/accounts/reset',
      done: 'reset',
      page: resetPage,
      donePage: resetDonePage,
      check: reset.check,
      async redeem(request) {
        const { token, new_password: password } = parse(ResetRequest, request.body)
        const context = requestContext.of(request, ANONYMOUS)
        return reset.redeem({ token, password, source: requestContext.source(request), context })
      },
    },
    z
      .union([AskRequest, ResetRequest])
      .meta({ description: 'an email address to send a link to, or a link and a password' }),
  )
  serve(
    {
      path: '/accounts/email',
      done: 'changed',
      page: changeEmailPage,
      donePage: emailChangedPage,
      check: changeEmail.check,
      async redeem(request) {
        const { token } = parse(EmailRequest, request.body)
        return changeEmail.redeem(token, requestContext.of(request, ANONYMOUS))
      },
    },
    EmailRequest,
  )
}
