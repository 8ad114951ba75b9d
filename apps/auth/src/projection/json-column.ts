import { z } from 'zod'

/** A cell that holds JSON text. */
export const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema)

export const texts = json(z.array(z.string()))

/** A cell that holds 0 or 1. */
export const flag = z.int().transform((value) => value !== 0)
