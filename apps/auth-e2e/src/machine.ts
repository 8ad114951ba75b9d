import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Where the machine has a program; `undefined` when it has none. */
export const pathOf = (program: string): string | undefined =>
  (process.env['PATH'] ?? '')
    .split(':')
    .map((folder) => join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

/**
 * Whether tests that need these programs have to be skipped, and says so in one line. In CI nothing is: there they fail.
 *
 * @param loss what is not tested without them.
 */
export function isMissing(programs: readonly string[], loss: string): boolean {
  const missing = programs.filter((program) => pathOf(program) === undefined)
  if (missing.length === 0 || process.env['CI']) return false
  console.log(`skipped, since ${missing.join(' and ')} is not installed: ${loss}`)
  return true
}
