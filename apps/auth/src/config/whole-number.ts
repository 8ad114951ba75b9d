import { z } from 'zod'

/**
 * A whole number as users write it, in digits, or as JSON has it. Not what only JavaScript takes for one: an empty text,
 * `0x10`, `1e3`, `null`.
 */
export const wholeNumber = (min: number, max: number) =>
  z
    .union(
      [
        z.number(),
        z
          .string()
          .regex(/^\d{1,16}$/)
          .transform(Number),
      ],
      {
        error: `must be a whole number from ${min} to ${max}`,
      },
    )
    .pipe(
      z
        .int()
        .min(min, { error: `must be at least ${min}` })
        .max(max, { error: `must be at most ${max}` }),
    )
