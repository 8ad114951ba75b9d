import type { CommandContext } from './envelope.ts'

/**
 * By what right a command is given, where that can end while the command is under way: its body may be slow to come, its
 * password waits to be hashed, another command was faster. The log asks right before each append of the command.
 */
export interface Authority {
  /** Reads everything that could have ended it. @throws {OAuthError} when something did. */
  establish(): Promise<void>
}

/**
 * The context of what follows from something that was decided already: to complete it, or to take it back, needs no right any
 * more. Whoever disables their own account has none left after the first half of it.
 */
export const consequenceOf = (context: CommandContext): CommandContext => ({ ...context, authority: undefined })

/**
 * The context of the first append that follows from something that was decided already. Whoever is overtaken at it decides again,
 * by the right of then.
 */
export function unlessOvertaken(context: CommandContext): CommandContext {
  let isFirst = true
  const establish = async () => {
    if (!isFirst) await context.authority?.establish()
    isFirst = false
  }
  return { ...context, authority: { establish } }
}
