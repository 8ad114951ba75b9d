import type { JsonObject } from '@ledgate/eventsourcing'
import type { z } from 'zod'
import type { CommandContext } from '../log/index.ts'

/** What an operator asked for cannot be done as asked; the message is for the operator. */
export class OperatorError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OperatorError'
  }
}

/** Something an operator can do: its input is checked wherever it comes from. */
export interface OperatorCommand {
  run(input: unknown, context: CommandContext): Promise<JsonObject>
}

/** A command over a checked input. */
export function command<Schema extends z.ZodType>(
  schema: Schema,
  run: (input: z.output<Schema>, context: CommandContext) => Promise<JsonObject>,
): OperatorCommand {
  return {
    async run(input, context) {
      const parsed = schema.safeParse(input)
      if (parsed.success) return run(parsed.data, context)
      const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the input'}: ${message}`)
      throw new OperatorError(problems.join('; '))
    },
  }
}
