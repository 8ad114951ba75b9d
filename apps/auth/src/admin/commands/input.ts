import { LARGEST_LIMIT } from '../../projection/index.ts'
import { wholeNumber } from '../../config/index.ts'
import { z } from 'zod'

/** A text that is not empty. */
export const text = z.string().min(1)

/** Why the command is given; it is kept in the event. */
export const Reason = text.max(200).default('by an operator')

/** A part of a list. */
export const Page = z.object({
  after: z.string().optional().meta({ description: 'the key of the last entry of the page before' }),
  limit: wholeNumber(1, LARGEST_LIMIT).optional(),
})
