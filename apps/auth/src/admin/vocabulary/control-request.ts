import { z } from 'zod'

/** What the command line sends. */
export const ControlRequest = z.object({ command: z.string(), input: z.unknown(), operator: z.string().max(100) })
export type ControlRequest = z.infer<typeof ControlRequest>
