import { TooLarge } from '@ledgate/eventsourcing'
import { OAuthError } from '@ledgate/oauth'
import { z } from 'zod'
import { Refusal } from '../../refusal/index.ts'

/** Whether an error says that what the command names does not exist. */
export const isNotFound = (error: unknown): boolean =>
  error instanceof Refusal ? error.code === 'not_found' : error instanceof OAuthError && error.status === 404

/** `clients[0].grant_types` */
export const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  )

/** Everything a schema finds wrong, one line each, without any of the values; `at` is where the whole is. */
export const issueLines = (error: z.ZodError, at: readonly PropertyKey[] = []): string[] =>
  error.issues.map(({ path, message }) => {
    const place = pathText([...at, ...path])
    return place === '' ? message : `${place}: ${message}`
  })

/** Why a command was refused, as one line; `undefined` when the error is not the fault of the command. */
export function refusalOf(error: unknown): string | undefined {
  if (error instanceof z.ZodError) return issueLines(error).join('; ')
  if (error instanceof OAuthError) return error.status < 500 ? error.message : undefined
  return error instanceof Refusal || error instanceof TooLarge ? error.message : undefined
}
