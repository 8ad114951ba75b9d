import type { JsonObject } from '@ledgate/eventsourcing'
import { InvalidToken, OAuthError, TemporarilyUnavailable } from '@ledgate/oauth'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { unlessErased } from '../../user/index.ts'
import type { RequestContext } from '../../http/index.ts'
import type { CommandContext } from '../../log/index.ts'
import { type Operation, OPERATIONS, scopeOf } from '../vocabulary/index.ts'
import { type OperatorCommand, refusalOf } from '../commands/index.ts'
import type { PositionWaiter } from '../../projection/index.ts'
import { type Administrator, type AdministratorDependencies, authorize } from './authorize-administrator.ts'
import { minPosition } from './min-position.ts'
import { administrationStream } from './events.ts'
import { Refusal, type RefusalCode } from '../../refusal/index.ts'

export interface AdministrationDependencies extends AdministratorDependencies {
  readonly commands: Readonly<Record<string, OperatorCommand>>
  readonly requests: RequestContext
  readonly views: PositionWaiter
}

/** A user is named by `sub` in a URL, never by address. */
const Sub = z.string().regex(/^u_[0-9a-f]{32}$/, { error: 'is not a sub' })

type Input = Readonly<Record<string, unknown>>

const STATUS: Readonly<Record<RefusalCode, number>> = {
  refused: 409,
  not_found: 404,
  invalid_request: 400,
  temporarily_unavailable: 503,
}

/** The error response for an administrator; others go the way of all errors. RFC 7591 §3.2.2 has a code of its own for metadata. */
function answerFor({ isMetadata }: Operation, error: unknown): unknown {
  const message = error instanceof OAuthError ? undefined : refusalOf(error)
  if (message === undefined) return error
  const code = error instanceof Refusal ? error.code : 'refused'
  const options = { cause: error }
  if (code === 'temporarily_unavailable') return new TemporarilyUnavailable(message, options)
  if (code === 'invalid_request' && isMetadata) return new OAuthError('invalid_client_metadata', 400, message, options)
  return new OAuthError(code, STATUS[code], message, options)
}

const namesIn = (path: string): readonly string[] => [...path.matchAll(/:(\w+)/g)].map(([, name]) => name ?? '')

const isGet = ({ method }: Operation) => method === 'GET'

/** The schemas of a route, from the schema of its command: what is in the path, and what is beside it. */
function schemaOf(operation: Operation, { schema }: OperatorCommand) {
  const { path, summary, isMetadata } = operation
  const names = namesIn(path)
  const shape = schema.shape as Readonly<Record<string, z.ZodType>>
  const params = Object.fromEntries(names.map((name) => [name, name === 'sub' ? Sub : (shape[name] ?? z.string())]))
  const rest = Object.fromEntries(Object.entries(shape).filter(([name]) => !names.includes(name)))
  const position = z.string().optional().meta({ description: 'a Ledgate-Position that the answer has to include' })
  return {
    tags: ['administration'],
    summary,
    security: [{ bearer: [scopeOf(operation)] }],
    ...(names.length > 0 && { params: z.object(params) }),
    ...(isGet(operation) && { querystring: z.strictObject({ ...rest, min_position: position }) }),
    ...(!isGet(operation) && !isMetadata && { body: z.strictObject(rest).nullish() }),
    ...(isMetadata && { body: z.looseObject({}).meta({ description: 'client metadata, RFC 7591 §2' }) }),
  }
}

/** What the command takes, put together from the parts of the request. */
function inputOf({ isMetadata }: Operation, { params, query, body }: FastifyRequest): Input {
  const path = params as Input
  if (!isMetadata) return { ...(query as Input), ...((body ?? {}) as Input), ...path }
  const { client_id, ...metadata } = body as Input
  return { ...(client_id !== undefined && { client_id }), metadata, ...path }
}

/** Characters of the longest name that is noted: what no one has as a name is refused, and need not be in the log. */
const LONGEST_ABOUT = 255

/** Whom or what a call is about, as far as its input says. */
function aboutOf({ sub, client_id, kid }: Input): { readonly about?: string } {
  const about = [sub, client_id, kid].find((name) => typeof name === 'string')
  return typeof about === 'string' && about.length <= LONGEST_ABOUT ? { about } : {}
}

function answer(reply: FastifyReply, { status }: Operation, result: JsonObject): FastifyReply {
  const { position, ...rest } = result
  void reply.header('cache-control', 'no-store')
  if (typeof position === 'string') void reply.header('ledgate-position', position)
  return Object.keys(rest).length === 0 ? reply.code(204).send() : reply.code(status ?? 200).send(rest)
}

/** The administration: each operation is a command of the operator, asked for by a user with the right token. */
export const administrationRoutes: FastifyPluginAsync<AdministrationDependencies> = async (app, dependencies) => {
  const { log, commands, requests, views, clock } = dependencies
  const callers = new WeakMap<FastifyRequest, Administrator>()
  const reached = minPosition({ log, views })

  /** Every call is an event before it is answered, whatever comes of it. */
  async function note(operation: Operation, input: Input, by: Administrator, context: CommandContext): Promise<void> {
    const day = new Date(clock.now() * 1000).toISOString().slice(0, 10).replaceAll('-', '')
    const data = { operation: operation.command, ...aboutOf(input) }
    await unlessErased(
      (cause) => new InvalidToken('the user of the token was erased', { cause }),
      () =>
        log.append(administrationStream.of(day), [{ type: 'AdministrationRequested', data }], {
          expected: 'any',
          context: { ...context, commandId: `${context.commandId}/asked` },
          dataKey: by.dataKey,
        }),
    )
  }

  async function run(operation: Operation, command: OperatorCommand, request: FastifyRequest, reply: FastifyReply) {
    const by = callers.get(request)
    if (by === undefined) throw new InvalidToken('the request was not authenticated')
    const { min_position, ...input } = inputOf(operation, request)
    const context = requests.of(request, { type: 'user', id: by.sub }, by.clientId)
    await note(operation, input, by, context)
    if (typeof min_position === 'string') await reached(min_position)
    try {
      const { bearer } = by
      return answer(reply, operation, await bearer.decide(() => command.run(input, { ...context, authority: bearer })))
    } catch (error) {
      throw answerFor(operation, error)
    }
  }

  for (const operation of OPERATIONS) {
    const { command: words, method, path: url } = operation
    const command = commands[words]
    if (command === undefined) throw new Error(`unknown command ${words}`)
    app.route({
      method,
      url,
      schema: schemaOf(operation, command),
      // Before the body is read: whoever may not is told nothing about it.
      onRequest: async (request) =>
        void callers.set(request, await authorize(dependencies, request, scopeOf(operation))),
      // The body has come, and what the token was good for may have ended meanwhile.
      preValidation: async (request) => callers.get(request)?.bearer.establish(),
      handler: (request, reply) => run(operation, command, request, reply),
    })
  }
}
