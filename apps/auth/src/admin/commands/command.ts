import { runDecision, type JsonObject } from '@ledgate/eventsourcing'
import type { z } from 'zod'
import type { CommandContext } from '../../log/index.ts'
import { issueLines } from './refusal-message.ts'
import { Malformed } from '../../refusal/index.ts'

/** Something an operator can do: its input is checked wherever it comes from. */
export interface OperatorCommand {
  /** What it takes. */
  readonly schema: z.ZodObject
  /** @throws {Malformed} when the input is not one of this command. */
  run(input: unknown, context: CommandContext): Promise<JsonObject>
}

/** A command over a checked input. */
export function command<Schema extends z.ZodObject>(
  schema: Schema,
  run: (input: z.output<Schema>, context: CommandContext) => Promise<JsonObject>,
): OperatorCommand {
  return {
    schema,
    async run(input, context) {
      const parsed = schema.safeParse(input)
      if (!parsed.success) throw new Malformed(issueLines(parsed.error).join('; '))
      return runDecision(() => run(parsed.data, context))
    },
  }
}

/** Commands by their words. */
export type Commands = Readonly<Record<string, OperatorCommand>>
