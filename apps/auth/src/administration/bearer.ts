import { AccessDenied } from '@ledgate/oauth'
import type { FastifyRequest } from 'fastify'
import { readUser } from '../account/index.ts'
import type { Administrators } from '../administrator/index.ts'
import { presentedToken, type VerdictDependencies } from '../introspection/index.ts'
import type { Clock } from '../log/index.ts'
import { audienceOf } from './operations.ts'

export interface BearerDependencies extends VerdictDependencies {
  readonly administrators: Pick<Administrators, 'includes'>
  readonly clock: Clock
}

/** Who administers, by which client. */
export interface Administrator {
  readonly sub: string
  readonly clientId: string
  /** Their data key: where their calls come from is sealed under it. */
  readonly dataKey: string
}

/**
 * The administrator behind a request. Whether the person may administer is looked up at each call, like the token:
 * whoever was disabled or demoted a moment ago is out.
 *
 * @throws {InvalidToken | InsufficientScope | AccessDenied}
 */
export async function authorize(
  dependencies: BearerDependencies,
  request: FastifyRequest,
  scope: string,
): Promise<Administrator> {
  const { log, issuer, administrators, clock } = dependencies
  const purpose = { audience: audienceOf(issuer), scope, now: clock.now() }
  const token = await presentedToken(dependencies, request, purpose)
  const [sub, clientId] = [String(token['sub']), String(token['client_id'])]
  const person = await readUser(log, sub)
  if (person === undefined || !(await administrators.includes(sub)))
    throw new AccessDenied(`${sub} is not an administrator`)
  return { sub, clientId, dataKey: person.state.data_key }
}
