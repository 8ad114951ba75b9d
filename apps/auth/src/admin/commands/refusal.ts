import { TooLarge } from '@ledgate/eventsourcing'
import { OAuthError } from '@ledgate/oauth'
import { z } from 'zod'
import { ClientRefused, UnknownClient } from '../../client/index.ts'
import { UnknownSecret } from '../../credential/index.ts'
import { NameTaken } from '../../name/index.ts'
import { ResourceRefused, UnknownResource } from '../../resource/index.ts'
import { TooEarly, TooManyKeys, UnknownKey } from '../../signing-key/index.ts'
import { Absent, Refused } from '../vocabulary/index.ts'

/** Errors which say that what a command names is not there. */
const ABSENCES = [Absent, UnknownClient, UnknownResource, UnknownSecret, UnknownKey]

/** Whether what the command names is not there, whatever else it says. */
export const isAbsence = (error: unknown): boolean =>
  ABSENCES.some((absence) => error instanceof absence) || (error instanceof OAuthError && error.status === 404)

/** Errors whose message is meant for whoever gave the command. */
const REFUSALS = [
  Refused,
  ClientRefused,
  ResourceRefused,
  UnknownSecret,
  NameTaken,
  TooEarly,
  TooManyKeys,
  UnknownKey,
  TooLarge,
]

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
  return error instanceof Error && REFUSALS.some((refusal) => error instanceof refusal) ? error.message : undefined
}
