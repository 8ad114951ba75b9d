import { chmodSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import type { Logger } from 'pino'
import { schemaController } from '../../http/index.ts'
import type { CommandContext } from '../../log/index.ts'
import { isNotFound, type OperatorCommand, refusalOf } from '../commands/index.ts'
import { ControlRequest, removeStaleSocket } from '../vocabulary/index.ts'

/** An operator acts by name; the name is what the operating system says. */
export function operatorContext(operator: string): CommandContext {
  const id = randomUUID()
  return { commandId: id, correlationId: id, causationId: id, actor: { type: 'operator', id: operator } }
}

/** Runs a command by its words. */
export async function runCommand(
  commands: Readonly<Record<string, OperatorCommand>>,
  { command, input, operator }: ControlRequest,
): Promise<{ status: number; body: object }> {
  const found = Object.hasOwn(commands, command) ? commands[command] : undefined
  if (found === undefined) return { status: 404, body: { message: `unknown command ${command}` } }
  try {
    return { status: 200, body: await found.run(input, operatorContext(operator)) }
  } catch (error) {
    const message = refusalOf(error)
    if (message === undefined) throw error
    return { status: isNotFound(error) ? 404 : 400, body: { message } }
  }
}

export interface ControlOptions {
  readonly path: string
  readonly commands: Readonly<Record<string, OperatorCommand>>
  readonly logger: Logger
}

/** Listens for the operator of this machine: whoever may open the socket may do everything, so only its owner may. */
export async function listenForOperator({
  path,
  commands,
  logger,
}: ControlOptions): Promise<{ close(): Promise<void> }> {
  const app = Fastify({ schemaController })
  app.post('/', async (request, reply) => {
    try {
      const { status, body } = await runCommand(commands, ControlRequest.parse(request.body))
      return await reply.code(status).send(body)
    } catch (error) {
      logger.error({ err: error }, 'a command of the control socket failed')
      return reply.code(500).send({ message: 'the command failed; see the server log' })
    }
  })
  removeStaleSocket(path)
  const before = process.umask(0o177) // no one else may connect, not even before the next line
  try {
    await app.listen({ path })
  } finally {
    process.umask(before)
  }
  chmodSync(path, 0o600)
  return { close: () => app.close() }
}
